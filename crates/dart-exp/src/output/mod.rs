//! What people look at: CSV, JSON lines, tables, pictures, report.

pub mod csv;
pub mod files;
pub mod jsonl;
pub mod notes;
pub mod oracle;
pub mod plot;
pub mod report;
pub mod table;
