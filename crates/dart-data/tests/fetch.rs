//! The fetch client against a server of its own on this machine.

#![allow(clippy::unwrap_used)] // in helpers of the tests

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use dart_data::catalog::Source;
use dart_data::{Catalog, DataError, FetchOptions, Task, fetch, notice};
use sha2::{Digest, Sha256};

/// What the server does with a path.
#[derive(Clone)]
enum Answer {
    Whole(Vec<u8>),
    /// The first so many bytes of the first answer, then the whole.
    CutFirst(Vec<u8>, usize),
    /// Always cut, and no ranges.
    Cut(Vec<u8>, usize),
}

type Seen = Arc<Mutex<Vec<Option<String>>>>;

struct Server {
    base: String,
    /// The range that each request asked for.
    seen: Seen,
}

impl Server {
    fn start(answers: Vec<(&str, Answer)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let mut answers: HashMap<String, Answer> = answers
            .into_iter()
            .map(|(path, answer)| (path.to_owned(), answer))
            .collect();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = serve(stream.unwrap(), &mut answers, &log);
            }
        });
        Server { base, seen }
    }

    fn ranges(&self) -> Vec<Option<String>> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    answers: &mut HashMap<String, Answer>,
    log: &Seen,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap()?;
    let path = first.split(' ').nth(1).unwrap().to_owned();
    let mut range = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("range: ") {
            range = Some(value.to_owned());
        }
    }
    log.lock().unwrap().push(range.clone());
    let (body, cut) = match answers.get(&path).cloned() {
        None => return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        Some(Answer::Whole(body)) => (body, None),
        Some(Answer::CutFirst(body, at)) => {
            answers.insert(path, Answer::Whole(body.clone()));
            (body, Some(at))
        }
        Some(Answer::Cut(body, at)) => (body, Some(at)),
    };
    let from = range.and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    });
    let (status, rest) = match from {
        Some(from) => ("206 Partial Content", &body[from..]),
        None => ("200 OK", &body[..]),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
        rest.len()
    )?;
    stream.write_all(&rest[..cut.unwrap_or(rest.len()).min(rest.len())])
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn task(url: &str, to: &str, sha256: Option<String>, members: &[&str]) -> Task {
    let members = members.iter().map(|member| member.to_string()).collect();
    let source = Source {
        url: url.to_owned(),
        bytes: None,
        sha256,
        to: to.to_owned(),
        members,
    };
    let mut task = Catalog::embedded().unwrap().task("trec").unwrap().clone();
    task.sources = vec![source];
    task
}

fn get(task: &Task, dir: &Path) -> Result<u64, DataError> {
    let mut last = 0;
    fetch(task, dir, &FetchOptions::default(), &mut |p| last = p.done)?;
    Ok(last)
}

fn body() -> Vec<u8> {
    (0..200_000u32).flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_file_is_fetched_once_and_checked() {
    let server = Server::start(vec![("/a.txt", Answer::Whole(body()))]);
    let dir = tempfile::tempdir().unwrap();
    let task = task(
        &format!("{}/a.txt", server.base),
        "sub/b.txt",
        Some(hex(&body())),
        &[],
    );
    assert_eq!(get(&task, dir.path()).unwrap(), 800_000);
    assert_eq!(std::fs::read(dir.path().join("sub/b.txt")).unwrap(), body());
    get(&task, dir.path()).unwrap();
    assert_eq!(server.ranges().len(), 1);
    std::fs::remove_file(dir.path().join("sub/b.txt")).unwrap();
    get(&task, dir.path()).unwrap();
    assert_eq!(server.ranges().len(), 2);
}

#[test]
fn a_broken_transfer_is_taken_up_where_it_stopped() {
    let server = Server::start(vec![("/a.txt", Answer::CutFirst(body(), 300_000))]);
    let dir = tempfile::tempdir().unwrap();
    let task = task(
        &format!("{}/a.txt", server.base),
        "a.txt",
        Some(hex(&body())),
        &[],
    );
    get(&task, dir.path()).unwrap();
    assert_eq!(std::fs::read(dir.path().join("a.txt")).unwrap(), body());
    let ranges = server.ranges();
    assert_eq!(ranges.len(), 2);
    assert!(
        ranges[1].as_deref().unwrap().starts_with("bytes="),
        "{ranges:?}"
    );
}

#[test]
fn a_body_that_stays_truncated_is_an_error_and_never_a_file() {
    let server = Server::start(vec![("/a.txt", Answer::Cut(body(), 1000))]);
    let dir = tempfile::tempdir().unwrap();
    let task = task(&format!("{}/a.txt", server.base), "a.txt", None, &[]);
    let error = get(&task, dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("broke off after 1000 of 800000 bytes"),
        "{error}"
    );
    assert!(error.contains("run the command again"), "{error}");
    assert!(!dir.path().join("a.txt").exists());
}

#[test]
fn an_interrupted_run_is_resumed_by_the_next() {
    let server = Server::start(vec![("/a.txt", Answer::Whole(body()))]);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join(".downloads")).unwrap();
    std::fs::write(dir.path().join(".downloads/a.txt.part"), &body()[..5000]).unwrap();
    let task = task(
        &format!("{}/a.txt", server.base),
        "a.txt",
        Some(hex(&body())),
        &[],
    );
    get(&task, dir.path()).unwrap();
    assert_eq!(server.ranges(), [Some("bytes=5000-".to_owned())]);
    assert_eq!(std::fs::read(dir.path().join("a.txt")).unwrap(), body());
}

#[test]
fn a_wrong_checksum_is_an_error_and_the_next_run_starts_anew() {
    let server = Server::start(vec![("/a.txt", Answer::Whole(b"other".to_vec()))]);
    let dir = tempfile::tempdir().unwrap();
    let task = task(
        &format!("{}/a.txt", server.base),
        "a.txt",
        Some(hex(b"wanted")),
        &[],
    );
    for _ in 0..2 {
        let error = get(&task, dir.path()).unwrap_err().to_string();
        assert!(
            error.contains(&hex(b"other")) && error.contains(&hex(b"wanted")),
            "{error}"
        );
        assert!(!dir.path().join("a.txt").exists());
    }
    assert_eq!(server.ranges(), [None, None]);
}

#[test]
fn what_is_not_there_is_said_so_with_a_remedy() {
    let server = Server::start(vec![]);
    let dir = tempfile::tempdir().unwrap();
    let error = get(
        &task(&format!("{}/a.txt", server.base), "a.txt", None, &[]),
        dir.path(),
    );
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("404") && error.contains("by hand"),
        "{error}"
    );
    let error = get(
        &task("http://127.0.0.1:1/a.txt", "a.txt", None, &[]),
        dir.path(),
    );
    assert!(error.unwrap_err().to_string().contains("check the network"));
    let tacred = Catalog::embedded().unwrap().task("tacred").unwrap().clone();
    let error = get(&tacred, dir.path()).unwrap_err().to_string();
    assert!(
        error.contains("ldc.upenn.edu") && error.contains("licence"),
        "{error}"
    );
    assert!(notice(&tacred).contains("LDC2018T24"));
}

#[test]
fn a_mirror_replaces_scheme_and_host() {
    let server = Server::start(vec![("/mirror/x/a.txt", Answer::Whole(b"hello".to_vec()))]);
    let dir = tempfile::tempdir().unwrap();
    let task = task(
        "https://unknown.invalid/x/a.txt",
        "a.txt",
        Some(hex(b"hello")),
        &[],
    );
    let options = FetchOptions {
        mirror: Some(format!("{}/mirror/", server.base)),
    };
    fetch(&task, dir.path(), &options, &mut |_| {}).unwrap();
    assert_eq!(std::fs::read(dir.path().join("a.txt")).unwrap(), b"hello");
}

/// A tar archive; names are written as they are, `..` too.
fn tar(files: &[(&str, &str)], link: bool) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    if link {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder.append_link(&mut header, "link", "/etc").unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in files {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn archives_are_unpacked_into_their_place() {
    let files = [
        ("CoLA/train.tsv", "rows"),
        ("CoLA/more/x.txt", "x"),
        ("other.txt", "y"),
    ];
    let server = Server::start(vec![
        ("/a.zip", Answer::Whole(zip(&files))),
        ("/a.tar", Answer::Whole(tar(&files, false))),
        ("/a.tar.gz", Answer::Whole(gzip(&tar(&files, false)))),
    ]);
    for name in ["a.zip", "a.tar", "a.tar.gz"] {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("{}/{name}", server.base);
        let task = task(&url, "glue", None, &["CoLA", "other.txt => CoLA/dev.tsv"]);
        get(&task, dir.path()).unwrap();
        let read =
            |path: &str| std::fs::read_to_string(dir.path().join("glue").join(path)).unwrap();
        assert_eq!(
            (read("CoLA/train.tsv"), read("CoLA/more/x.txt")),
            ("rows".into(), "x".into())
        );
        assert_eq!(read("CoLA/dev.tsv"), "y", "{name}");
        assert!(!dir.path().join("glue/other.txt").exists());
        let left: Vec<_> = std::fs::read_dir(dir.path().join(".downloads"))
            .unwrap()
            .collect();
        assert_eq!(left.len(), 1, "only the stamp is left: {left:?}");
    }
}

#[test]
fn an_archive_cannot_write_outside_its_folder() {
    for (name, archive) in [
        (
            "a.tar",
            tar(&[("fine.txt", "x"), ("../evil.txt", "x")], false),
        ),
        ("a.tar", tar(&[("/evil.txt", "x")], false)),
        ("a.tar", tar(&[("fine.txt", "x")], true)),
        ("a.zip", zip(&[("fine.txt", "x"), ("../evil.txt", "x")])),
        ("a.zip", zip(&[("a\\..\\..\\evil.txt", "x")])),
        (
            "a.tar.gz",
            gzip(&tar(&[("fine.txt", "x")], false))[..40].to_vec(),
        ),
        ("a.zip", b"no archive".to_vec()),
    ] {
        let server = Server::start(vec![(&format!("/{name}"), Answer::Whole(archive))]);
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let error = get(
            &task(&format!("{}/{name}", server.base), "to", None, &[]),
            &data,
        );
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("refused") || error.contains("cannot be unpacked"),
            "{error}"
        );
        assert!(
            !data.join("to").exists() && !dir.path().join("evil.txt").exists(),
            "{error}"
        );
        assert!(!data.join("evil.txt").exists() && !data.join(".downloads/evil.txt").exists());
    }
}
