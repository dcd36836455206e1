//! Charts: SVG made here, each beside its table, so that nobody has to see it to read it.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};

use crate::format::number;
use crate::html::{Html, escape};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// The most lines that can be told apart.
pub const MAX_LINES: usize = 6;

/// A line that rises in steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Whose.
    pub name: String,
    /// Values, and from when they hold; in the order of time.
    pub points: Vec<(DateTime<Utc>, i64)>,
}

/// Lines over time. At most [`MAX_LINES`] are drawn.
pub fn lines(title: &str, unit: &str, from: DateTime<Utc>, until: DateTime<Utc>, lines: &[Line]) -> Html {
    let lines = lines.get(..MAX_LINES).unwrap_or(lines);
    let most = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1)).max().unwrap_or(0);
    if most <= 0 || until <= from {
        return Html::default();
    }
    let span = seconds(until - from);
    let x = |at: DateTime<Utc>| LEFT + (WIDTH - LEFT - RIGHT) * (seconds(at - from) / span).clamp(0.0, 1.0);
    let (top, ticks) = scale(most);
    let mut svg = open(title);
    grid(&mut svg, top, &ticks);
    for (at, anchor) in [(from, "start"), (until, "end")] {
        let text = at.format("%-d %b %H:%M");
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"{anchor}\">{text}</text>",
            x(at),
            HEIGHT - 8.0
        );
    }
    for (n, line) in lines.iter().enumerate() {
        let mut path = format!("M{:.1} {:.1}", x(from), y(0, top));
        for (at, value) in &line.points {
            let _ = write!(path, "H{:.1}V{:.1}", x(*at), y(*value, top));
        }
        let last = line.points.last().map_or(0, |point| point.1);
        let end = line.points.last().map_or(from, |point| point.0);
        let _ = write!(
            svg,
            "<path class=\"line s{n}\" d=\"{path}H{:.1}\"/><circle class=\"dot s{n}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"/>",
            WIDTH - RIGHT,
            x(end),
            y(last, top)
        );
    }
    svg.push_str("</svg>");
    let mut legend = String::from("<ul class=\"legend\">");
    let mut rows = String::new();
    for (n, line) in lines.iter().enumerate() {
        let last = line.points.last().map_or(0, |point| point.1);
        let name = escape(&line.name);
        let _ = write!(
            legend,
            "<li><svg class=\"key\" viewBox=\"0 0 24 8\" width=\"24\" height=\"8\" aria-hidden=\"true\"><path class=\"line s{n}\" \
             d=\"M0 4h24\"/></svg><bdi>{name}</bdi> <b>{}</b></li>",
            number(last)
        );
        for (at, value) in &line.points {
            let _ = write!(
                rows,
                "<tr><td><bdi>{name}</bdi></td><td>{}</td><td class=\"n\">{}</td></tr>",
                at.format("%-d %b %Y, %H:%M:%S"),
                number(*value)
            );
        }
    }
    legend.push_str("</ul>");
    let head = format!(
        "<th scope=\"col\">Who</th><th scope=\"col\">When (UTC)</th><th scope=\"col\" class=\"n\">{}</th>",
        escape(unit)
    );
    figure(title, &svg, &legend, &head, &rows)
}

/// A column a day.
pub fn days(title: &str, unit: &str, days: &[(NaiveDate, i64)]) -> Html {
    let most = days.iter().map(|day| day.1).max().unwrap_or(0);
    let (Some(first), Some(last), true) = (days.first(), days.last(), most > 0) else {
        return Html::default();
    };
    let (top, ticks) = scale(most);
    let mut svg = open(title);
    grid(&mut svg, top, &ticks);
    #[expect(clippy::cast_precision_loss, reason = "some dozens of days")]
    let step = (WIDTH - LEFT - RIGHT) / days.len() as f64;
    let mut rows = String::new();
    let mut x = LEFT;
    for (day, value) in days {
        let height = y(0, top) - y(*value, top);
        if *value > 0 {
            let _ = write!(
                svg,
                "<rect class=\"column\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}: {}</title></rect>",
                x + step * 0.15,
                y(*value, top),
                step * 0.7,
                height.max(1.0),
                day.format("%-d %b"),
                number(*value)
            );
        }
        let _ = write!(
            rows,
            "<tr><td>{}</td><td class=\"n\">{}</td></tr>",
            day.format("%-d %b %Y"),
            number(*value)
        );
        x += step;
    }
    for (at, day, anchor) in [(LEFT, first.0, "start"), (WIDTH - RIGHT, last.0, "end")] {
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{at:.0}\" y=\"{:.0}\" text-anchor=\"{anchor}\">{}</text>",
            HEIGHT - 8.0,
            day.format("%-d %b")
        );
    }
    svg.push_str("</svg>");
    let head = format!("<th scope=\"col\">Day (UTC)</th><th scope=\"col\" class=\"n\">{}</th>", escape(unit));
    figure(title, &svg, "", &head, &rows)
}

fn open(title: &str) -> String {
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escape(title)
    )
}

fn figure(title: &str, svg: &str, legend: &str, head: &str, rows: &str) -> Html {
    Html::trusted(format!(
        "<figure class=\"figure\"><figcaption>{}</figcaption>{svg}{legend}<details><summary>As a table</summary>\
         <div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{0}, as a table\"><table><thead><tr>{head}</tr></thead>\
         <tbody>{rows}</tbody></table></div></details></figure>",
        escape(title)
    ))
}

fn grid(svg: &mut String, top: i64, ticks: &[i64]) {
    for tick in ticks {
        let at = y(*tick, top);
        let _ = write!(
            svg,
            "<path class=\"rule\" d=\"M{LEFT} {at:.1}H{:.1}\"/><text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
            number(*tick)
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
fn y(value: i64, top: i64) -> f64 {
    TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - value as f64 / top as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a place in a picture")]
fn seconds(delta: chrono::TimeDelta) -> f64 {
    delta.num_milliseconds() as f64 / 1_000.0
}

/// A round number not below the most, and where to draw rules.
fn scale(most: i64) -> (i64, Vec<i64>) {
    let mut unit: i64 = 1;
    let step = loop {
        let found = [1, 2, 5]
            .into_iter()
            .map(|n: i64| n.saturating_mul(unit))
            .find(|step| step.saturating_mul(4) >= most);
        match found {
            Some(step) => break step,
            None => unit = unit.saturating_mul(10),
        }
    };
    let ticks: Vec<i64> = (0..=4)
        .map(|n| step.saturating_mul(n))
        .take_while(|tick| *tick < most.saturating_add(step))
        .collect();
    (ticks.last().copied().unwrap_or(1).max(1), ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_round_and_hold_the_most() {
        for most in [1, 3, 4, 5, 9, 17, 99, 100, 101, 12_345, 1_000_000_007] {
            let (top, ticks) = scale(most);
            assert!(
                top >= most && top <= most * 3 + 4 && (2..=5).contains(&ticks.len()),
                "{most}: {top} {ticks:?}"
            );
        }
        assert!(scale(i64::MAX).0 > 0);
    }

    #[test]
    fn a_chart_has_its_table_and_escapes_names() {
        let at = |minute: i64| DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(minute);
        let line = Line { name: "<b>Ada".to_owned(), points: vec![(at(1), 100), (at(5), 190)] };
        let made = lines("Points", "points", at(0), at(10), &[line]).to_string();
        assert!(!made.contains("<b>Ada") && made.contains("&lt;b&gt;Ada"), "{made}");
        assert_eq!(made.matches("<tr>").count(), 3);
        assert!(!made.contains("style=") && !made.contains("NaN"), "{made}");
    }

    #[test]
    fn nothing_to_show_is_no_chart() {
        let at = DateTime::UNIX_EPOCH;
        assert_eq!(lines("x", "y", at, at, &[]), Html::default());
        assert_eq!(days("x", "y", &[]), Html::default());
        assert_eq!(days("x", "y", &[(NaiveDate::MIN, 0)]), Html::default());
    }
}
