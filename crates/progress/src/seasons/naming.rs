//! What the season after another is called.
//!
//! A pattern says it, or it is found from the season's own name: the year of its start follows the calendar, and so does a month or a
//! quarter that stands beside it; any other number at the end is counted on. `November 2026` is followed by `December 2026`, and
//! `Spring 2` by `Spring 3`. A month's name alone is a word like any other: after `May Day Cup` comes `May Day Cup 2`.

use chrono::{DateTime, Datelike, Month, TimeDelta, Utc};

use super::model::Season;

/// A name holds 100 characters.
const MAX: usize = 100;

/// A piece of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Number,
    Month,
    Quarter,
    Week,
    Year,
}

/// Why a text is no pattern, as a message that follows the field's name.
pub(super) fn check(pattern: &str) -> Result<(), String> {
    let pieces = parse(pattern)?;
    if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
        return Err(
            "must hold at least one of {number}, {month}, {quarter}, {week} and {year}: no two seasons have \
                    one name"
                .to_owned(),
        );
    }
    Ok(())
}

fn parse(pattern: &str) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut rest) = (Vec::new(), pattern);
    while let Some((text, after)) = rest.split_once('{') {
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        let Some((name, after)) = after.split_once('}') else {
            return Err("has a { without its }".to_owned());
        };
        pieces.push(match name {
            "number" => Piece::Number,
            "month" => Piece::Month,
            "quarter" => Piece::Quarter,
            "week" => Piece::Week,
            "year" => Piece::Year,
            other => {
                let other: String = other.chars().take(30).collect();
                return Err(format!(
                    "knows {{number}}, {{month}}, {{quarter}}, {{week}} and {{year}}, and no {{{other}}}"
                ));
            }
        });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

/// What the season after this one is called, where that begins at `starts_at` and these names are taken.
pub(super) fn successor(season: &Season, starts_at: DateTime<Utc>, taken: &[String]) -> String {
    let free = |name: &String| !taken.contains(name);
    let pattern = season.name_pattern.as_deref().and_then(|pattern| parse(pattern).ok());
    let Some(pieces) = pattern.or_else(|| dated(season)) else {
        return counted_on(&season.name, taken);
    };
    let number = number_in(&pieces, &season.name).map_or(1, |number| number.saturating_add(1));
    if pieces.contains(&Piece::Number) {
        let named =
            (number..=u32::MAX).map(|number| render(&pieces, number, starts_at)).take(100_000).find(free);
        return named.unwrap_or_else(|| counted_on(&season.name, taken));
    }
    let name = render(&pieces, number, starts_at);
    if free(&name) { name } else { counted_on(&stem(&name), taken) }
}

/// The instant a season that begins then is named after. Where months begin at midnight far to the east, they begin up to fourteen
/// hours earlier here.
fn named_after(starts_at: DateTime<Utc>) -> DateTime<Utc> {
    starts_at.checked_add_signed(TimeDelta::hours(14)).unwrap_or(starts_at)
}

fn month_of(at: DateTime<Utc>) -> &'static str {
    u8::try_from(at.month())
        .ok()
        .and_then(|month| Month::try_from(month).ok())
        .map_or("", |month| month.name())
}

fn quarter_of(at: DateTime<Utc>) -> u32 {
    at.month0() / 3 + 1
}

fn render(pieces: &[Piece], number: u32, starts_at: DateTime<Utc>) -> String {
    let at = named_after(starts_at);
    // The year that a week is of is not always that of its days.
    let year = if pieces.contains(&Piece::Week) { at.iso_week().year() } else { at.year() };
    let name: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Number => number.to_string(),
            Piece::Month => month_of(at).to_owned(),
            Piece::Quarter => quarter_of(at).to_string(),
            Piece::Week => at.iso_week().week().to_string(),
            Piece::Year => year.to_string(),
        })
        .collect();
    name.chars().take(MAX).collect()
}

/// The pattern of a name that holds the year of the season's first or last day, alone or beside its month or quarter; `None` for one that
/// holds none. A season that was begun before its time is named after its end.
fn dated(season: &Season) -> Option<Vec<Piece>> {
    // The other way round than at the start: months end up to ten hours later here, far to the west.
    let last = season.ends_at.checked_sub_signed(TimeDelta::hours(10)).unwrap_or(season.ends_at);
    let days = [named_after(season.starts_at), last];
    let is = |word: &str, of: fn(DateTime<Utc>) -> String| {
        days.iter().any(|day| of(*day).eq_ignore_ascii_case(word))
    };
    let words = words(&season.name);
    let is_year = |at: Option<usize>| {
        at.and_then(|at| words.get(at)).is_some_and(|word| is(word, |day| day.year().to_string()))
    };
    // Nothing but what separates words stands between those that are next to each other but one.
    let beside_year = |at: usize| is_year(at.checked_add(2)) || is_year(at.checked_sub(2));
    let mut pieces: Vec<Piece> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if is_year(Some(at)) {
            pieces.push(Piece::Year);
        } else if beside_year(at) && is(word, |day| month_of(day).to_owned()) {
            pieces.push(Piece::Month);
        } else if beside_year(at) && is(word, |day| format!("Q{}", quarter_of(day))) {
            pieces.extend([Piece::Text("Q".to_owned()), Piece::Quarter]);
        } else {
            pieces.push(Piece::Text((*word).to_owned()));
        }
    }
    if pieces.iter().all(|piece| matches!(piece, Piece::Text(_))) {
        return None;
    }
    // The second one of a month, `November 2026 2`, leads to no `December 2026 2`.
    if let [.., Piece::Text(space), Piece::Text(digits)] = pieces.as_slice()
        && space.trim().is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
    {
        pieces.truncate(pieces.len() - 2);
    }
    Some(pieces)
}

/// Words, and what stands between them, in turn.
fn words(name: &str) -> Vec<&str> {
    let (mut words, mut from, mut before) = (Vec::new(), 0, None);
    for (at, c) in name.char_indices() {
        let inside = c.is_alphanumeric();
        if before.is_some_and(|before| before != inside) {
            words.push(&name[from..at]);
            from = at;
        }
        before = Some(inside);
    }
    words.push(&name[from..]);
    words
}

/// The number that a name made of this pattern holds.
fn number_in(pieces: &[Piece], name: &str) -> Option<u32> {
    let (mut rest, mut number) = (name, None);
    for piece in pieces {
        match piece {
            Piece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
            Piece::Month => {
                let months = (1..=12).filter_map(|month| Month::try_from(month).ok());
                rest = months.into_iter().find_map(|month| rest.strip_prefix(month.name()))?;
            }
            Piece::Number | Piece::Quarter | Piece::Week | Piece::Year => {
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let (digits, after) = rest.split_at(end);
                let read: u32 = digits.parse().ok()?;
                if *piece == Piece::Number {
                    number = Some(read);
                }
                rest = after;
            }
        }
    }
    if rest.is_empty() { number } else { None }
}

/// As much of a name as leaves room for a number after it.
fn stem(name: &str) -> String {
    name.chars().take(MAX - 12).collect()
}

/// A name with its number counted on, `Spring` → `Spring 2` → `Spring 3`, past what is taken. A year is no such number.
fn counted_on(name: &str, taken: &[String]) -> String {
    let (base, number) = match name.rsplit_once(' ') {
        Some((base, digits)) => match digits.parse::<u32>() {
            Ok(number) if !base.trim().is_empty() && !(1_900..2_200).contains(&number) => {
                (base.trim_end(), number)
            }
            _ => (name, 1),
        },
        None => (name, 1),
    };
    let base = stem(base);
    (number.saturating_add(1)..=u32::MAX)
        .map(|number| format!("{base} {number}"))
        .find(|candidate| !taken.contains(candidate))
        .unwrap_or_else(|| format!("{base} {}", u32::MAX))
}

#[cfg(test)]
mod tests {
    use kernel::GuildId;

    use super::*;
    use crate::ids::SeasonId;
    use crate::seasons::{RepeatBy, SeasonState};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// What follows a season of this name, and of these days.
    fn after(name: &str, pattern: Option<&str>, from: &str, to: &str, taken: &[&str]) -> String {
        let season = Season {
            id: SeasonId::new(1),
            guild_id: GuildId::new(1),
            name: name.to_owned(),
            starts_at: at(from),
            ends_at: at(to),
            state: SeasonState::Active,
            repeats: true,
            repeat_by: RepeatBy::Month,
            name_pattern: pattern.map(str::to_owned),
            rolled_at: None,
            created_at: at(from),
        };
        let mut taken: Vec<String> = taken.iter().map(|&name| name.to_owned()).collect();
        taken.push(name.to_owned());
        successor(&season, season.ends_at, &taken)
    }

    const NOVEMBER: (&str, &str) = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
    const DECEMBER: (&str, &str) = ("2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");

    #[test]
    fn months_quarters_and_years_follow_the_calendar() {
        let november = |name| after(name, None, NOVEMBER.0, NOVEMBER.1, &[]);
        let december = |name| after(name, None, DECEMBER.0, DECEMBER.1, &[]);
        assert_eq!(november("November 2026"), "December 2026");
        assert_eq!(december("December 2026"), "January 2027");
        assert_eq!(december("Winter cup, december 2026"), "Winter cup, January 2027");
        assert_eq!(december("2026/december"), "2027/January");
        assert_eq!(december("Q4 2026"), "Q1 2027");
        assert_eq!(december("Year 2026"), "Year 2027");
        assert_eq!(november("2026"), "2026 2", "the same year again");
        // Begun before its time.
        let early = after("December 2026", None, "2026-11-20T00:00:00Z", DECEMBER.1, &[]);
        assert_eq!(early, "January 2027");
        // Midnight in Berlin.
        let east = after("November 2026", None, "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z", &[]);
        assert_eq!(east, "December 2026");
    }

    #[test]
    fn a_month_in_a_name_is_a_word_unless_its_year_stands_beside_it() {
        let may = |name| after(name, None, "2026-05-01T00:00:00Z", "2026-06-01T00:00:00Z", &[]);
        assert_eq!(may("May Day Cup"), "May Day Cup 2");
        assert_eq!(may("May Day Cup 2"), "May Day Cup 3");
        assert_eq!(may("May Day Cup 2026"), "May Day Cup 2026 2", "the same year again");
        assert_eq!(may("May the 2026 be with you"), "May the 2026 be with you 2");
        assert_eq!(may("May"), "May 2");
        assert_eq!(may("The Q2"), "The Q2 2");
        assert_eq!(may("May 2026 Cup"), "June 2026 Cup");
        assert_eq!(may("May, 2026"), "June, 2026");
    }

    #[test]
    fn a_second_one_of_a_month_is_numbered_and_the_month_after_is_not() {
        let (first, second) = ("2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z");
        assert_eq!(after("November 2026", None, first, second, &[]), "November 2026 2");
        assert_eq!(
            after("November 2026 2", None, second, "2026-11-15T00:00:00Z", &["November 2026"]),
            "November 2026 3"
        );
        assert_eq!(after("November 2026 4", None, "2026-11-24T00:00:00Z", NOVEMBER.1, &[]), "December 2026");
    }

    #[test]
    fn other_numbers_are_counted_on_past_what_is_taken() {
        let november = |name, taken: &[&str]| after(name, None, NOVEMBER.0, NOVEMBER.1, taken);
        assert_eq!(november("Spring", &[]), "Spring 2");
        assert_eq!(november("Season 9", &["Season 10"]), "Season 11");
        assert_eq!(november("Cup 2025", &[]), "Cup 2025 2", "a year, though not this one");
        assert!(november(&"x".repeat(100), &[]).len() <= 100);
    }

    #[test]
    fn a_pattern_says_it() {
        let december =
            |name, pattern, taken: &[&str]| after(name, Some(pattern), DECEMBER.0, DECEMBER.1, taken);
        assert_eq!(december("Opening", "{month} {year}", &[]), "January 2027");
        assert_eq!(december("Opening", "Round {number}: {month}", &[]), "Round 1: January");
        assert_eq!(december("Round 7: December", "Round {number}: {month}", &[]), "Round 8: January");
        assert_eq!(
            december("Round 7: December", "Round {number}: {month}", &["Round 8: January"]),
            "Round 9: January"
        );
        assert_eq!(december("x", "{year}-W{week}", &[]), "2026-W53");
        assert_eq!(december("x", "{year}", &["2027"]), "2027 2");
        for bad in ["", "plain", "{month", "{moth}", "{}"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check("Q{quarter} {year}").is_ok());
    }
}
