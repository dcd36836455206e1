//! A figure with its target and the limit measured beside it, and the report that they make.

use std::fmt;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::machine::Machine;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// So many a second.
    PerSecond,
    /// Microseconds.
    Microseconds,
    /// Milliseconds.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Kibibytes.
    Kibibytes,
    /// Mebibytes.
    Mebibytes,
    /// A share, in percent.
    Percent,
    /// So many times the other.
    Times,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::PerSecond => format!("{}/s", thousands(value)),
            Self::Microseconds => format!("{value:.1} µs"),
            Self::Milliseconds => format!("{value:.2} ms"),
            Self::Seconds => format!("{value:.2} s"),
            Self::Kibibytes => format!("{value:.1} KiB"),
            Self::Mebibytes => format!("{value:.1} MiB"),
            Self::Percent => format!("{value:.0} %"),
            Self::Times => format!("{value:.2} ×"),
        }
    }
}

/// What a figure should be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// What the machine itself managed in the same run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    /// In the figure's unit.
    pub value: f64,
    /// What was measured.
    pub what: String,
}

/// One measured figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// The part of the benchmark.
    pub section: &'static str,
    /// What was measured.
    pub name: String,
    /// The figure.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
    /// What it should be, if anybody said so.
    pub target: Option<Target>,
    /// What stands beside it, measured in the same run.
    pub limit: Option<Limit>,
}

impl Figure {
    /// A figure without target or limit.
    pub fn new(section: &'static str, name: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self { section, name: name.into(), value, unit, target: None, limit: None }
    }

    /// With its target.
    #[must_use]
    pub fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// With the limit measured beside it.
    #[must_use]
    pub fn limit(mut self, value: f64, what: impl Into<String>) -> Self {
        self.limit = Some(Limit { value, what: what.into() });
        self
    }

    /// Whether the target is met; `None` without one.
    pub fn met(&self) -> Option<bool> {
        self.target.map(|target| match target {
            Target::AtLeast(least) => self.value >= least,
            Target::AtMost(most) => self.value <= most,
        })
    }
}

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// On what.
    pub machine: Machine,
    /// Whether sizes were shrunk, so that the figures say nothing about speed.
    pub quick: bool,
    /// The figures, in the order in which they were taken.
    pub figures: Vec<Figure>,
}

impl Report {
    /// Whether no target is missed.
    pub fn all_met(&self) -> bool {
        self.figures.iter().all(|figure| figure.met() != Some(false))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        if self.quick {
            writeln!(f, "Quick run: sizes are shrunk, the figures say nothing about speed.")?;
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(["", "FIGURE", "SEEN", "TARGET", "", "LIMIT IN THIS RUN"]);
        let mut section = "";
        for figure in &self.figures {
            let target = match figure.target {
                Some(Target::AtLeast(least)) => format!("≥ {}", figure.unit.show(least)),
                Some(Target::AtMost(most)) => format!("≤ {}", figure.unit.show(most)),
                None => String::new(),
            };
            let verdict = match figure.met() {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "",
            };
            let limit = figure
                .limit
                .as_ref()
                .map(|limit| format!("{}: {}", figure.unit.show(limit.value), limit.what))
                .unwrap_or_default();
            let first = if section == figure.section { "" } else { figure.section };
            section = figure.section;
            table.add_row([
                first.to_owned(),
                figure.name.clone(),
                figure.unit.show(figure.value),
                target,
                verdict.to_owned(),
                limit,
            ]);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        for number in [2, 3] {
            if let Some(column) = table.column_mut(number) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        for line in table.lines() {
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// 12345.6 as 12,346.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_met_from_their_own_side() {
        let figure = Figure::new("timers", "rate", 20_000.0, Unit::PerSecond);
        assert_eq!(figure.met(), None);
        assert_eq!(figure.clone().target(Target::AtLeast(20_000.0)).met(), Some(true));
        assert_eq!(figure.target(Target::AtMost(10.0)).met(), Some(false));
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(Unit::PerSecond.show(1_234_567.8), "1,234,568/s");
        assert_eq!(Unit::PerSecond.show(250.0), "250/s");
        assert_eq!(Unit::Times.show(1.25), "1.25 ×");
    }
}
