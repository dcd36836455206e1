//! From what the kernel says of a run that is over to a verdict. What the script's process wrote only fills in words.

use std::borrow::Cow;

use serde::Deserialize;

use crate::files;
use crate::worker::{Finished, Stopped};
use crate::{Job, LimitKind, Limits, Output, RunError};

/// The first byte of every report, written when the child has locked itself in and before the script begins.
const ARMED: u8 = b'A';

/// What the child wrote about a script's exception. Written by the script's own process: words, not facts.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Failure {
    kind: String,
    errno: i32,
    memory: bool,
    message: String,
    line: Option<u32>,
    traceback: String,
}

impl Failure {
    fn readable(self) -> Self {
        let clean = |text: String| readable(&text).into_owned();
        Self {
            kind: clean(self.kind),
            message: clean(self.message),
            traceback: clean(self.traceback),
            ..self
        }
    }
}

/// What a script wrote, so that it can be kept and shown: control characters, but for tabs and line ends, are replaced. A database
/// takes no NUL, and a terminal takes others for orders.
pub fn readable(text: &str) -> Cow<'_, str> {
    let unreadable = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(unreadable) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace("\r\n", "\n").replace(unreadable, "\u{fffd}"))
}

/// The child could not lock itself in, and so did not begin with the script.
#[derive(Debug)]
pub(crate) struct NotArmed(pub(crate) String);

/// Judges a finished run.
///
/// # Errors
/// The outer one when the script was never begun, which is the jail's fault; the inner one is the script's.
pub(crate) fn judge(
    finished: Finished,
    job: &Job,
    limits: &Limits,
) -> Result<Result<Output, RunError>, NotArmed> {
    let stderr = readable(&String::from_utf8_lossy(&finished.stderr)).into_owned();
    let exit = libc::WIFEXITED(finished.status).then(|| libc::WEXITSTATUS(finished.status));
    let signal = libc::WIFSIGNALED(finished.status).then(|| libc::WTERMSIG(finished.status));
    let report = match finished.report.split_first() {
        Some((&ARMED, report)) => String::from_utf8_lossy(report).into_owned(),
        _ if finished.stopped.is_some() => String::new(),
        _ => {
            return Err(NotArmed(format!(
                "a script's process could not lock itself in (status {}): {}",
                finished.status,
                stderr.trim().lines().last().unwrap_or("nothing said")
            )));
        }
    };
    let failure = report.find('{').and_then(|at| serde_json::from_str::<Failure>(&report[at..]).ok());
    let failure = failure.map(Failure::readable);
    let line =
        failure.as_ref().and_then(|failure| failure.line).or_else(|| line_in_dump(&report, &job.file_name));
    let limit = |kind| RunError::Limit { kind, line, stderr: stderr.clone() };
    Ok(Err(match (finished.stopped, signal, exit, failure) {
        (Some(Stopped::Wall), ..) => limit(LimitKind::Wall(limits.wall)),
        (Some(Stopped::Output), ..) => limit(LimitKind::Output(limits.output_bytes)),
        (Some(Stopped::Cancelled), ..) => RunError::Unavailable("the run was cancelled".to_owned()),
        (None, Some(signal), ..) if ran_out_of_cpu(signal, &finished, limits) => {
            limit(LimitKind::Cpu(limits.cpu))
        }
        (None, Some(signal), ..) => RunError::Killed { signal, line, stderr },
        (None, None, Some(0), _) => match files::made_read(&finished.made) {
            Ok(made) => {
                return Ok(Ok(Output {
                    stdout: finished.stdout,
                    stderr,
                    made,
                    wall: finished.wall,
                    cpu: finished.cpu,
                }));
            }
            Err(message) => RunError::Script { message, line: None, traceback: String::new(), stderr },
        },
        (None, None, _, Some(failure)) if failure.memory => limit(LimitKind::Memory(limits.memory_bytes)),
        (None, None, _, Some(failure)) => {
            RunError::Script { message: explain(&failure), line, traceback: failure.traceback, stderr }
        }
        (None, None, exit, None) => RunError::Script {
            message: format!("it ended itself with exit status {}", exit.unwrap_or(-1)),
            line,
            traceback: String::new(),
            stderr,
        },
    }))
}

/// Whether the signal that ended the run was for its processor time.
///
/// Who was told that the time is up, and said where they are, was ended for that, whatever was measured: the kernel
/// enforces this limit by counting clock ticks but reports exact times, which on a machine that others use too may be
/// half of it. Without these words it is told from the time, which otherwise differs by some per cent.
fn ran_out_of_cpu(signal: i32, finished: &Finished, limits: &Limits) -> bool {
    let told = begins_with_dump(&finished.report) || finished.cpu >= limits.cpu * 9 / 10;
    signal == libc::SIGXCPU || (signal == libc::SIGKILL && told)
}

/// Whether the child's first words are faulthandler's, which says where the script is when a signal tells it that its
/// time is up, rather than an exception's.
pub(crate) fn begins_with_dump(report: &[u8]) -> bool {
    matches!(report, [ARMED, first, ..] if *first != b'{')
}

/// The innermost line of the script in faulthandler's dump, which Python writes when a time limit is reached.
fn line_in_dump(dump: &str, file_name: &str) -> Option<u32> {
    let start = format!("File \"{file_name}\", line ");
    let digits = dump.lines().find_map(|line| line.trim_start().strip_prefix(&start))?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// How the kernel says no where the jail is in the way.
const REFUSALS: &[i32] = &[libc::EPERM, libc::EACCES, libc::ENOENT, libc::EROFS, libc::EFBIG];

/// The exception in words and, where the jail was probably in the way, what the jail allows.
fn explain(failure: &Failure) -> String {
    let Failure { kind, message, .. } = failure;
    let said = match (kind.as_str(), message.is_empty()) {
        ("SystemExit", _) => return format!("it ended itself by sys.exit({message})"),
        (kind, true) => kind.to_owned(),
        (kind, false) => format!("{kind}: {message}"),
    };
    let hint = match kind.as_str() {
        "ModuleNotFoundError" | "ImportError" => {
            "only Python's standard library can be imported, numpy where the server has it, and what lies in the challenge's \
             files/ or the campaign's lib/"
        }
        "RuntimeError" if message.contains("thread") => "scripts run without threads or other processes",
        "RecursionError" => return said,
        "EOFError" => "a generator gets nothing on standard input",
        // Some libraries wrap the refusal in an exception of their own.
        _ if REFUSALS.contains(&failure.errno) || message.contains("Operation not permitted") => {
            "scripts run in a jail: no network, no files but the challenge's files/, the campaign's lib/ and Python's own \
             library, no writing but to /tmp and QUESTHALL_OUT, no other processes, no signals"
        }
        _ => return said,
    };
    format!("{said} ({hint})")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn finished(status: i32, report: &str) -> Finished {
        Finished {
            status,
            stopped: None,
            wall: Duration::from_millis(5),
            cpu: Duration::from_millis(3),
            stdout: b"out".to_vec(),
            stderr: b"err".to_vec(),
            report: report.as_bytes().to_vec(),
            made: Vec::new(),
        }
    }

    fn job() -> Job {
        Job { file_name: "01/generate.py".into(), ..Job::default() }
    }

    fn verdict(finished: Finished) -> Result<Output, RunError> {
        judge(finished, &job(), &Limits::default()).unwrap()
    }

    #[test]
    fn the_wait_status_decides_and_not_what_the_script_wrote() {
        assert!(verdict(finished(0, "A")).is_ok());
        // Exit status 1 with nothing said, with something forged, and with nonsense.
        for report in ["A", "A{\"kind\": \"\"}", "A{{{", "A\u{0}"] {
            assert!(matches!(verdict(finished(1 << 8, report)), Err(RunError::Script { .. })), "{report}");
        }
        // Killed by a signal, whatever was claimed before.
        let forged = "A{\"kind\": \"ValueError\", \"message\": \"not killed at all\"}";
        assert!(matches!(verdict(finished(9, forged)), Err(RunError::Killed { signal: 9, .. })));
    }

    #[test]
    fn a_limit_outranks_what_the_script_made_of_it() {
        for (stopped, kind) in [
            (Stopped::Wall, LimitKind::Wall(Duration::from_secs(10))),
            (Stopped::Output, LimitKind::Output(4 << 20)),
        ] {
            for status in [0, 9, 1 << 8] {
                let run = Finished { stopped: Some(stopped), ..finished(status, "A") };
                assert_eq!(verdict(run), Err(RunError::Limit { kind, line: None, stderr: "err".to_owned() }));
            }
        }
        let run = Finished { cpu: Duration::from_secs(6), ..finished(9, "A") };
        assert!(matches!(verdict(run), Err(RunError::Limit { kind: LimitKind::Cpu(_), .. })));
        // Told by the kernel's ticks, of which a busy machine gives more than it gives time.
        let dump =
            "ACurrent thread 0x01 (most recent call first):\n  File \"01/generate.py\", line 9 in <module>\n";
        let told = verdict(finished(9, dump)).unwrap_err();
        assert_eq!(told.line(), Some(9));
        assert!(matches!(told, RunError::Limit { kind: LimitKind::Cpu(_), .. }));
    }

    #[test]
    fn a_child_that_never_began_is_the_jails_fault() {
        for report in ["", "{\"kind\": \"ValueError\"}"] {
            assert!(judge(finished(97 << 8, report), &job(), &Limits::default()).is_err());
        }
    }

    #[test]
    fn what_a_script_says_of_itself_can_be_kept_and_shown() {
        let said = "A{\"kind\": \"ValueError\", \"message\": \"a\\u0000b\\u001b[2J\", \"traceback\": \"x\\r\\ny\\u009bz\"}";
        let run = Finished { stderr: b"\0\x1b]0;mine\x07 note\n".to_vec(), ..finished(1 << 8, said) };
        let Err(RunError::Script { message, traceback, stderr, .. }) = verdict(run) else {
            panic!("it failed")
        };
        assert_eq!(message, "ValueError: a\u{fffd}b\u{fffd}[2J");
        assert_eq!(traceback, "x\ny\u{fffd}z");
        assert_eq!(stderr, "\u{fffd}\u{fffd}]0;mine\u{fffd} note\n");
    }

    #[test]
    fn the_line_is_found_in_a_dump() {
        let dump = "ACurrent thread 0x01 (most recent call first):\n  File \"/usr/lib/x.py\", line 3 in sleep\n  \
                    File \"01/generate.py\", line 17 in main\n  File \"01/generate.py\", line 40 in <module>\n";
        let run = Finished { stopped: Some(Stopped::Wall), ..finished(9, dump) };
        assert_eq!(verdict(run).unwrap_err().line(), Some(17));
    }
}
