//! Days as charts: what a member, or the whole guild, did and earned; and which days, as the address says it.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use kernel::Problem;
use lake::days::{DayFigures, DayQuery};
use serde::{Deserialize, Serialize};

use crate::form::Form;
use crate::html::Html;
use crate::{chart, format};

/// Which days. What is left empty is what the API takes for it.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Span {
    from: String,
    to: String,
}

impl Span {
    /// The days as the API takes them.
    pub fn query(&self) -> Result<DayQuery, Problem> {
        Ok(DayQuery { from: day("from", &self.from)?, to: day("to", &self.to)? })
    }

    /// The controls that ask for other days.
    pub fn controls(&self) -> Html {
        let values = Form::of(self);
        let from = values.day("from", "From").help("In UTC; 30 days unless told.");
        let to = values.day("to", "To").help("Today unless told.");
        Html::trusted(format!("{from}{to}"))
    }
}

/// A day that was asked for, if one was.
pub fn day(name: &'static str, value: &str) -> Result<Option<NaiveDate>, Problem> {
    let must = "must be a day of the years 1 to 9999, such as 2026-12-01";
    match value.trim() {
        "" => Ok(None),
        value => {
            let day = value.parse().ok().filter(kernel::time::is_within);
            day.map(Some).ok_or_else(|| Problem::field(name, must))
        }
    }
}

/// A chart of everything that was not nothing in these days.
pub fn charts(figures: &[DayFigures]) -> Html {
    let of = |value: &dyn Fn(&DayFigures) -> i64| -> Vec<(NaiveDate, i64)> {
        figures.iter().map(|day| (day.day, value(day))).collect()
    };
    let mut charts = vec![
        chart::days("XP earned", "XP", &of(&|day| day.xp)),
        chart::days("Stars earned", "Stars", &of(&|day| day.stars)),
    ];
    let kinds: BTreeSet<&String> = figures.iter().flat_map(|day| day.events.keys()).collect();
    charts.extend(kinds.into_iter().map(|kind| {
        chart::days(&format::word(kind), "Events", &of(&|day| day.events.get(kind).copied().unwrap_or(0)))
    }));
    let charts: String = charts.iter().map(Html::as_str).collect();
    if charts.is_empty() {
        return crate::ui::empty("Nothing was earned and nothing happened in these days.", None);
    }
    Html::trusted(format!("<div class=\"charts\">{charts}</div>"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_there_was_is_drawn_and_nothing_is_told_as_nothing() {
        let day = |xp, events: &[(&str, i64)]| DayFigures {
            day: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
            xp,
            stars: 0,
            events: events.iter().map(|(kind, many)| ((*kind).to_owned(), *many)).collect::<BTreeMap<_, _>>(),
        };
        let drawn = charts(&[day(5, &[("MESSAGE_SENT", 3)])]);
        assert!(drawn.as_str().contains("XP earned") && drawn.as_str().contains("Message sent"), "{drawn}");
        assert!(!drawn.as_str().contains("Stars earned"), "{drawn}");
        assert!(charts(&[day(0, &[])]).as_str().contains("Nothing was earned"));
    }

    #[test]
    fn a_day_is_read_or_refused_by_name() {
        let span = Span { from: "2026-12-01".to_owned(), to: String::new() };
        assert_eq!(span.query().unwrap().from, NaiveDate::from_ymd_opt(2026, 12, 1));
        assert!(span.controls().as_str().contains("type=\"date\""));
        for wrong in ["tomorrow", "+99999-01-01", "0000-01-01"] {
            let wrong = Span { to: wrong.to_owned(), ..Span::default() };
            assert_eq!(wrong.query().unwrap_err().errors()[0].field, "to");
        }
    }
}
