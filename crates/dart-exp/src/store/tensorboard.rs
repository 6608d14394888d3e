//! TensorBoard event files: scalars by step, in one file a folder.
//!
//! tensorboard-rs's `RecordWriter` frames the records and tensorboard-proto has the messages; the
//! file is ours, so that every I/O error is reported (tensorboard-rs's own writers panic on one).

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use protobuf::Message;
use tensorboard_proto::event::{Event, SessionLog, SessionLog_SessionStatus};
use tensorboard_proto::summary::{Summary, Summary_Value};
use tensorboard_rs::masked_crc32c::masked_crc32c;
use tensorboard_rs::record_writer::RecordWriter;

/// What TensorBoard looks for in a file's name.
const PREFIX: &str = "events.out.tfevents.";
/// The version that TensorBoard needs to see before it heeds a session's start.
const VERSION: &str = "brain.Event:2";

/// Writes scalars into one folder's event file.
pub struct EventWriter {
    records: RecordWriter<BufWriter<File>>,
    path: PathBuf,
    /// Tags of the points that were kept.
    kept: BTreeSet<String>,
}

impl EventWriter {
    /// Starts `folder`'s curves anew: earlier event files there are removed.
    pub fn create(folder: &Path) -> Result<Self> {
        Self::keeping(folder, |_, _| false)
    }

    /// Goes on after a run that was stopped: points up to and with `step` stay, later ones, which
    /// the run is about to repeat, are dropped, and so is a record that was cut off half-way.
    pub fn resume(folder: &Path, step: usize) -> Result<Self> {
        let last = i64::try_from(step).context("step")?;
        Self::keeping(folder, |_, step| step <= last)
    }

    /// Goes on with the points whose tag and step `keep` wants.
    pub fn keeping(folder: &Path, keep: impl Fn(&str, i64) -> bool) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let old = event_files(folder)?;
        let mut kept = Vec::new();
        for file in &old {
            for event in read_events(file)? {
                if starts_session(&event) {
                    kept.retain(|earlier: &Event| earlier.step < event.step);
                } else if event
                    .get_summary()
                    .get_value()
                    .iter()
                    .any(|v| keep(v.get_tag(), event.step))
                {
                    kept.push(event);
                }
            }
        }
        // TensorBoard reads a folder's files in the order of their names, so a name must come
        // after the earlier ones even when the clock does not.
        let after = old
            .iter()
            .filter_map(|file| seconds_in_name(file))
            .max()
            .unwrap_or(0);
        let seconds = (now() as u64).max(after + 1);
        let path = folder.join(format!("{PREFIX}{seconds:010}.dart-exp"));
        let draft = folder.join(".events.part");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&draft)
            .with_context(|| draft.display().to_string())?;
        let mut writer = EventWriter {
            records: RecordWriter::new(BufWriter::new(file)),
            path,
            kept: kept
                .iter()
                .flat_map(|event| event.get_summary().get_value())
                .map(|value| value.get_tag().to_owned())
                .collect(),
        };

        let mut version = Event::new();
        version.set_wall_time(now());
        version.set_file_version(VERSION.to_owned());
        writer.write(&version)?;
        // Tells a TensorBoard that is watching to forget what it read from the earlier files.
        let mut session = SessionLog::new();
        session.set_status(SessionLog_SessionStatus::START);
        let mut start = Event::new();
        start.set_wall_time(now());
        start.set_session_log(session);
        writer.write(&start)?;
        for event in &kept {
            writer.write(event)?;
        }
        writer.flush()?;
        fs::rename(&draft, &writer.path).with_context(|| writer.path.display().to_string())?;
        for file in old {
            fs::remove_file(&file).with_context(|| file.display().to_string())?;
        }
        Ok(writer)
    }

    /// Adds a point to the curve `tag`.
    pub fn scalar(&mut self, tag: &str, step: usize, value: f64) -> Result<()> {
        let mut point = Summary_Value::new();
        point.set_tag(tag.to_owned());
        point.set_simple_value(value as f32);
        self.value(step, point)
    }

    /// Whether the file was begun with points of this tag.
    pub fn holds(&self, tag: &str) -> bool {
        self.kept.contains(tag)
    }

    /// Adds a value.
    pub fn value(&mut self, step: usize, value: Summary_Value) -> Result<()> {
        let mut summary = Summary::new();
        summary.mut_value().push(value);
        let mut event = Event::new();
        event.set_wall_time(now());
        event.set_step(i64::try_from(step).context("step")?);
        event.set_summary(summary);
        self.write(&event)
    }

    /// Hands everything written so far to the operating system.
    pub fn flush(&mut self) -> Result<()> {
        self.records
            .flush()
            .with_context(|| self.path.display().to_string())
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let bytes = event
            .write_to_bytes()
            .context("encoding a TensorBoard event")?;
        self.records
            .write(&bytes)
            .with_context(|| self.path.display().to_string())
    }
}

/// The points (step, value) of the curve `tag` that a folder's files hold; none without files.
pub fn scalars(folder: &Path, tag: &str) -> Result<Vec<(usize, f64)>> {
    let mut points = Vec::new();
    for file in event_files(folder)? {
        for event in read_events(&file)? {
            for value in event.get_summary().get_value() {
                if value.get_tag() == tag {
                    let step = usize::try_from(event.step).unwrap_or(0);
                    points.push((step, f64::from(value.get_simple_value())));
                }
            }
        }
    }
    Ok(points)
}

/// The folder's event files in TensorBoard's order.
fn event_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX))
        {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn seconds_in_name(file: &Path) -> Option<u64> {
    let name = file.file_name()?.to_str()?.strip_prefix(PREFIX)?;
    name.split('.').next()?.parse().ok()
}

fn starts_session(event: &Event) -> bool {
    event.has_session_log()
        && event.get_session_log().get_status() == SessionLog_SessionStatus::START
}

/// The complete records of an event file; a last one that was cut off is left out.
/// Layout: u64 length, u32 masked CRC of it, the message, u32 masked CRC of the message.
fn read_events(file: &Path) -> Result<Vec<Event>> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let mut rest = bytes.as_slice();
    let mut events = Vec::new();
    while let Some((message, after)) = next_record(rest) {
        match Event::parse_from_bytes(message) {
            Ok(event) => events.push(event),
            Err(error) => bail!("{}: not a TensorBoard event file: {error}", file.display()),
        }
        rest = after;
    }
    Ok(events)
}

/// The first record's message and what follows the record; `None` where it is not complete.
fn next_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(8)?;
    let (_, rest) = rest.split_at_checked(4)?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let (message, rest) = rest.split_at_checked(length)?;
    let (sum, rest) = rest.split_at_checked(4)?;
    (masked_crc32c(message) == u32::from_le_bytes(sum.try_into().ok()?)).then_some((message, rest))
}

/// Seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (tag, step, value) of every point that the folder's files hold.
    fn points(folder: &Path) -> Vec<(String, i64, f32)> {
        let mut points = Vec::new();
        for file in event_files(folder).unwrap() {
            for event in read_events(&file).unwrap() {
                for value in event.get_summary().get_value() {
                    points.push((value.get_tag().into(), event.step, value.get_simple_value()));
                }
            }
        }
        points
    }

    #[test]
    fn resuming_keeps_what_came_before_and_repeats_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(folder.path()).unwrap();
        for step in 1..=5 {
            writer.scalar("loss", step, step as f64).unwrap();
        }
        writer.flush().unwrap();
        drop(writer);
        // A record of which a kill left only a part.
        let file = event_files(folder.path()).unwrap().remove(0);
        let mut bytes = fs::read(&file).unwrap();
        bytes.extend_from_slice(&[9, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5]);
        fs::write(&file, bytes).unwrap();

        let mut writer = EventWriter::resume(folder.path(), 3).unwrap();
        writer.scalar("loss", 4, 40.0).unwrap();
        writer.flush().unwrap();
        let expected: Vec<_> = [(1, 1.0), (2, 2.0), (3, 3.0), (4, 40.0)]
            .map(|(step, value)| ("loss".to_owned(), step, value))
            .into();
        assert_eq!(points(folder.path()), expected);
        assert_eq!(event_files(folder.path()).unwrap().len(), 1);
    }

    #[test]
    fn creating_anew_forgets_the_folder_s_earlier_curves() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(folder.path()).unwrap();
        writer.scalar("loss", 1, 1.0).unwrap();
        drop(writer);
        drop(EventWriter::create(folder.path()).unwrap());
        assert_eq!(points(folder.path()), []);
    }
}
