//! `questhall bench --quick`: every section runs and gives its figures. What they are is not asked: a test machine is busy.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

#[test]
fn every_section_gives_figures() {
    let output = Command::new(env!("CARGO_BIN_EXE_questhall"))
        .args(["bench", "all", "--quick", "--json"])
        .env_remove("DATABASE_URL")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["quick"], true);
    let postgresql = report["machine"]["postgresql"].as_str().unwrap();
    assert!(postgresql.contains("fsync on, synchronous_commit on, full_page_writes on"), "{postgresql}");
    let figures = report["figures"].as_array().unwrap();
    let text = |figure: &Value, field: &str| figure[field].as_str().unwrap().to_owned();
    let sections: BTreeSet<String> = figures.iter().map(|figure| text(figure, "section")).collect();
    assert_eq!(
        sections.into_iter().collect::<Vec<_>>(),
        [
            "auth",
            "authors",
            "automod",
            "events",
            "ingest",
            "inputs",
            "leaderboard",
            "learning",
            "pages",
            "server",
            "submissions",
            "timers",
            "transfers"
        ]
    );
    for figure in figures {
        let value = figure["value"].as_f64().unwrap();
        // A difference of two measurements may be nothing at all; everything else takes time or room.
        let differences = [
            "CPU that the jail adds",
            "memory of an idle stream",
            "what a checker adds to an answer's p99 at 100/s",
            "what unlocking adds to a completion",
        ];
        let least = if differences.contains(&text(figure, "name").as_str()) { -f64::EPSILON } else { 0.0 };
        assert!(value.is_finite() && value > least, "{figure}");
    }
    let judged: Vec<String> = figures
        .iter()
        .filter(|figure| !figure["target"].is_null())
        .map(|figure| text(figure, "name"))
        .collect();
    assert!(judged.len() >= 20, "too few figures have a target: {judged:?}");
}
