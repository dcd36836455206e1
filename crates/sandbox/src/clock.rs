//! Whether a script reads the clock. What depends on the day alone is the same in two runs of one minute, so the second run
//! of a check lives on another day; a script that does not ask for the time is spared that.

use std::time::Duration;

/// How far the clock is ahead: another year, month, day, weekday and hour.
pub(crate) const SHIFT: Duration = Duration::from_hours(400 * 24 + 7);

/// The functions of `time` and `datetime` that look at the clock.
const READERS: &[&str] = &[
    "today",
    "now",
    "utcnow",
    "time",
    "time_ns",
    "localtime",
    "gmtime",
    "ctime",
    "asctime",
    "strftime",
    "clock_gettime",
];

/// Whether the script calls something that may look at the clock.
pub(crate) fn is_read(script: &str) -> bool {
    script.match_indices('(').any(|(at, _)| {
        let name = script[..at].trim_end_matches(' ');
        let begins = name
            .rfind(|c: char| !c.is_alphanumeric() && c != '_')
            .map_or(0, |before| before + name[before..].chars().next().map_or(0, char::len_utf8));
        READERS.contains(&&name[begins..])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_at_the_clock_is_found() {
        for reads in ["x = time.time()", "datetime.now (tz)", "d=date.today()", "å.utcnow()", "time()"] {
            assert!(is_read(reads), "{reads}");
        }
        for does_not in
            ["datetime(2020, 1, 1)", "strptime(x, y)", "timer()", "known()", "time", "# time", "(1)"]
        {
            assert!(!is_read(does_not), "{does_not}");
        }
    }
}
