//! The experiment runner.
mod tensorboard;
fn main() {}
