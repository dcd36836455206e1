//! How long the season after another is.

use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};

use super::model::RepeatBy;

/// The end of the season that begins where one from `starts_at` to `ends_at` ends; `None` beyond what times can be.
pub(super) fn next_end(
    by: RepeatBy,
    starts_at: DateTime<Utc>,
    ends_at: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    match by {
        RepeatBy::Length => ends_at.checked_add_signed(ends_at - starts_at),
        RepeatBy::Week => ends_at.checked_add_signed(TimeDelta::days(7)),
        RepeatBy::Month => months_on(starts_at, ends_at, 1),
        RepeatBy::Quarter => months_on(starts_at, ends_at, 3),
        RepeatBy::Year => months_on(starts_at, ends_at, 12),
    }
}

/// `ends_at` so many months later, at the same time of the day. A season that ends on the last day of a month goes on with last days,
/// as one whose months begin at midnight east of Greenwich does, unless its start says that it is of the 28th, 29th or 30th.
fn months_on(starts_at: DateTime<Utc>, ends_at: DateTime<Utc>, months: u32) -> Option<DateTime<Utc>> {
    let (start, end) = (starts_at.date_naive(), ends_at.date_naive());
    let day = match (is_last(end), is_last(start) || start.day() < 28) {
        (false, _) => end.day(),
        (true, true) => 31,
        (true, false) => start.day().max(end.day()),
    };
    let month = end.with_day(1)?.checked_add_months(Months::new(months))?;
    Some(month.with_day(day.min(last_of(month)))?.and_time(ends_at.time()).and_utc())
}

fn is_last(date: NaiveDate) -> bool {
    date.day() == last_of(date)
}

/// How many days the month has.
fn last_of(date: NaiveDate) -> u32 {
    (28..=31).rev().find(|day| date.with_day(*day).is_some()).unwrap_or(28)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The ends of the seasons that follow one, in turn.
    fn ends(by: RepeatBy, from: &str, to: &str, count: usize) -> Vec<String> {
        let (mut starts_at, mut ends_at) = (at(from), at(to));
        let step = |_| {
            let next = next_end(by, starts_at, ends_at).unwrap();
            (starts_at, ends_at) = (ends_at, next);
            next.format("%m-%d %H").to_string()
        };
        (0..count).map(step).collect()
    }

    #[test]
    fn months_follow_the_calendar_without_drifting() {
        let month = |from, to| ends(RepeatBy::Month, from, to, 5);
        let first = month("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        assert_eq!(first, ["01-01 00", "02-01 00", "03-01 00", "04-01 00", "05-01 00"]);
        // Begun in the middle of a month.
        assert_eq!(month("2026-11-12T10:00:00Z", "2026-12-01T00:00:00Z"), first);
        let east = month("2026-09-30T22:00:00Z", "2026-10-31T22:00:00Z");
        assert_eq!(east, ["11-30 22", "12-31 22", "01-31 22", "02-28 22", "03-31 22"]);
        assert_eq!(month("2026-11-12T10:00:00Z", "2026-11-30T23:00:00Z")[..2], ["12-31 23", "01-31 23"]);
        let thirtieth = month("2026-11-30T06:00:00Z", "2026-12-30T06:00:00Z");
        assert_eq!(thirtieth, ["01-30 06", "02-28 06", "03-30 06", "04-30 06", "05-30 06"]);
    }

    #[test]
    fn quarters_years_weeks_and_lengths() {
        let (from, to) = ("2028-01-01T00:00:00Z", "2028-04-01T00:00:00Z");
        assert_eq!(ends(RepeatBy::Quarter, from, to, 3), ["07-01 00", "10-01 00", "01-01 00"]);
        assert_eq!(
            ends(RepeatBy::Year, "2028-02-29T00:00:00Z", "2029-02-28T00:00:00Z", 3),
            ["02-28 00", "02-28 00", "02-29 00"]
        );
        assert_eq!(ends(RepeatBy::Week, from, "2028-01-03T05:00:00Z", 2), ["01-10 05", "01-17 05"]);
        assert_eq!(ends(RepeatBy::Length, from, to, 1), ["07-01 00"], "91 days");
        let end = at("2028-04-01T00:00:00Z");
        assert_eq!(
            next_end(RepeatBy::Length, at("2028-03-31T23:59:59Z"), end),
            Some(end + TimeDelta::seconds(1))
        );
    }
}
