//! Folders and bundles: read, refuse, import, export.

use std::path::{Path, PathBuf};

use campaigns::Error;
use campaigns::authoring::{self, Bundle};
use campaigns::ops::Asker;
use serde_json::json;

use crate::stage::{GUILD, Stage};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn advent() -> Bundle {
    authoring::read(&examples().join("advent-of-bytes")).unwrap_or_else(|findings| panic!("{findings:?}"))
}

#[test]
fn the_example_campaign_is_read_whole() {
    let bundle = advent();
    assert_eq!(bundle.challenges.len(), 8);
    assert_eq!(bundle.challenges[0].slug, "01-coat-check");
    assert!(bundle.challenges.iter().filter(|c| c.parts == 2).count() >= 3);
    assert!(
        bundle.challenges.iter().all(|c| usize::try_from(c.parts).unwrap() == 1 + c.part_descriptions.len())
    );
}

#[test]
fn every_mistake_of_the_broken_campaign_is_found_with_its_file_and_line() {
    let findings = authoring::read(&examples().join("broken-campaign")).unwrap_err();
    let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
    for wanted in [
        "campaign.toml:",
        "01-no-generator/generate.py: is missing",
        "02-no-story/README.md: is missing",
        "03-bad-toml/challenge.toml:2:",
        "`difficulty`?",
        "05-bad-value/challenge.toml:",
        "06-wrong-type/challenge.toml:",
        "missing field `title`",
        "`order` 9 is taken by 08-same-order",
        "10-hint-for-no-part/challenge.toml:",
        "11-not-utf8/README.md:",
        "12-no-part-two-text/README.md: has no part two",
        "15-marks-out-of-order/README.md:5: begins part three, but part two is next",
        "16-half-translated/README.de.md: has no part two",
        "17-language-misspelt/readme_de.md: is it the text in another language? Call it `README.de.md`",
    ] {
        assert!(said.iter().any(|line| line.contains(wanted)), "{wanted} is not among:\n{}", said.join("\n"));
    }
}

#[test]
fn writing_a_folder_and_reading_it_gives_the_same_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = advent();
    let target = dir.path().join("copy");
    authoring::write(&bundle, &target).unwrap();
    assert_eq!(authoring::read(&target).unwrap(), bundle);
    assert!(authoring::write(&bundle, &target).is_err(), "nothing is overwritten");
}

#[test]
fn links_that_lead_out_of_the_folder_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("copy");
    authoring::write(&advent(), &target).unwrap();
    let script = target.join("01-coat-check/generate.py");
    std::fs::remove_file(&script).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &script).unwrap();
    let findings = authoring::read(&target).unwrap_err();
    assert!(findings.iter().any(|f| f.message.contains("symbolic link")), "{findings:?}");
}

#[tokio::test]
async fn importing_and_exporting_are_inverse() {
    let stage = Stage::new().await;
    let bundle = advent();
    let made =
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, None).await.unwrap();
    assert_eq!(authoring::bundle_export(stage.pool(), GUILD, made.id).await.unwrap(), bundle);
    // The same bundle again changes nothing, and moving challenges about does what it says.
    let mut moved = bundle.clone();
    moved.challenges.rotate_left(3);
    moved.challenges.pop();
    authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &moved, Some(made.id))
        .await
        .unwrap();
    assert_eq!(authoring::bundle_export(stage.pool(), GUILD, made.id).await.unwrap(), moved);
}

#[tokio::test]
async fn a_bundle_with_mistakes_is_refused_whole_with_every_field_named() {
    let stage = Stage::new().await;
    let mut bundle = advent();
    bundle.campaign.duration_hours = 0;
    bundle.challenges[1].slug = bundle.challenges[0].slug.clone();
    bundle.challenges[2].parts = 3;
    let refused = authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, None)
        .await
        .unwrap_err();
    let Error::Invalid(wrong) = refused else { panic!("{refused:?}") };
    let fields: Vec<_> = wrong.iter().map(|w| w.field.as_str()).collect();
    assert_eq!(fields, ["campaign.duration_hours", "challenges[1].slug", "challenges[2].part_descriptions"]);
    let campaigns: i64 =
        sqlx::query_scalar("SELECT count(*) FROM campaigns.campaigns").fetch_one(stage.pool()).await.unwrap();
    assert_eq!(campaigns, 0);
}

#[tokio::test]
async fn what_has_been_released_keeps_its_place() {
    let stage = Stage::new().await;
    let campaign = stage.running(2, json!({})).await;
    let mut bundle = authoring::bundle_export(stage.pool(), GUILD, campaign.id).await.unwrap();
    bundle.challenges.swap(0, 1);
    let swapped =
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, Some(campaign.id))
            .await;
    assert!(matches!(swapped, Err(Error::Invalid(wrong)) if wrong[0].field == "challenges[1]"));
    bundle.challenges.remove(1);
    let removed =
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, Some(campaign.id))
            .await;
    assert!(matches!(removed, Err(Error::Invalid(wrong)) if wrong[0].message.contains("released")));
}

#[tokio::test]
async fn hints_that_somebody_paid_for_stay() {
    let stage = Stage::new().await;
    let mut bundle = advent();
    let made =
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, None).await.unwrap();
    campaigns::ops::campaign_start(stage.pool(), &stage.wake, GUILD, Asker::CLI, made.id).await.unwrap();
    stage.run_due().await;
    stage.register(made.id, 1).await;
    sqlx::query(
        "INSERT INTO challenges.hint_unlocks (hint_id, campaign_id, participant_id, guild_id, unlocked_by, cost_bytes, penalty)
         SELECT h.id, ch.campaign_id, '1', h.guild_id, 1, 0, 0 FROM challenges.challenge_hints h
         JOIN challenges.challenges ch ON ch.id = h.challenge_id WHERE ch.order_position = 1 AND h.position = 2",
    )
    .execute(stage.pool())
    .await
    .unwrap();
    bundle.challenges[0].hints.truncate(1);
    let refused =
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, Some(made.id)).await;
    assert!(matches!(refused, Err(Error::Invalid(wrong)) if wrong[0].field == "challenges[0].hints"));
}

#[tokio::test]
async fn a_new_script_for_a_released_challenge_is_told_whatever_brings_it() {
    let stage = Stage::new().await;
    let campaign = stage.running(2, json!({})).await;
    let mut bundle = authoring::bundle_export(stage.pool(), GUILD, campaign.id).await.unwrap();
    bundle.challenges[0].generation_script += "\n# better";
    bundle.challenges[1].generation_script += "\n# better";
    authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, Some(campaign.id))
        .await
        .unwrap();
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT payload->>'title' FROM jobs.outbox WHERE event_type = 'challenge.script_changed' AND subject = 'campaigns/' || $1::uuid",
    )
    .bind(campaign.id.get())
    .fetch_all(stage.pool())
    .await
    .unwrap();
    assert_eq!(told, ["Challenge 1"]);
    let audited =
        "SELECT count(*) FROM access.admin_log l JOIN challenges.challenges c ON c.id::text = l.target_id
         WHERE c.campaign_id = $1 AND l.action_type = 'UPDATE' AND l.before_snapshot <> l.after_snapshot";
    assert_eq!(stage.count(audited, campaign.id).await, 2);
}

#[tokio::test]
async fn new_files_of_a_released_challenge_are_told_once_as_a_new_script_is() {
    let stage = Stage::new().await;
    let campaign = stage.running(2, json!({})).await;
    let told = async || {
        let of = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'challenge.script_changed' AND subject = 'campaigns/' || $1::uuid";
        stage.count(of, campaign.id).await
    };
    let bring = async |bundle: &Bundle| {
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, bundle, Some(campaign.id))
            .await
            .unwrap();
    };
    let mut bundle = authoring::bundle_export(stage.pool(), GUILD, campaign.id).await.unwrap();
    let file =
        |path: &str, text: &str| serde_json::from_value(json!({ "path": path, "text": text })).unwrap();
    bundle.challenges[0].files.push(file("words.txt", "one"));
    bring(&bundle).await;
    assert_eq!(told().await, 1);
    bring(&bundle).await;
    assert_eq!(told().await, 1, "nothing has changed");
    bundle.library.push(file("shared.py", "X = 1"));
    bring(&bundle).await;
    assert_eq!(told().await, 2, "what all scripts share is theirs; the second challenge is not released");
    bundle.challenges[0].generation_script += "\n# better";
    bundle.challenges[0].files[0] = file("words.txt", "two");
    bring(&bundle).await;
    assert_eq!(told().await, 3, "script and files change at once");
    bundle.challenges[0].attachments.push(file("map.txt", "x"));
    bring(&bundle).await;
    assert_eq!(told().await, 3, "no script finds an attachment");
}

#[tokio::test]
async fn what_is_over_takes_no_bundle() {
    let stage = Stage::new().await;
    let campaign = stage.running(2, json!({})).await;
    campaigns::ops::campaign_close(stage.pool(), &stage.wake, GUILD, Asker::CLI, campaign.id).await.unwrap();
    let mut bundle = authoring::bundle_export(stage.pool(), GUILD, campaign.id).await.unwrap();
    bundle.challenges[0].title = "Rewritten history".into();
    let refused =
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, Some(campaign.id))
            .await;
    assert!(matches!(refused, Err(Error::State { .. })), "{refused:?}");
}

#[tokio::test]
async fn whatever_seeds_inputs_counts_the_version_up() {
    use challenges::catalogue::ChallengePatch;
    let stage = Stage::new().await;
    let campaign = stage.published(1, json!({})).await;
    let id = stage.challenge(campaign.id, 1).await;
    let version = async || {
        let of = "SELECT script_version::bigint FROM challenges.challenges WHERE campaign_id = $1";
        stage.count(of, campaign.id).await
    };
    let patch = async |patch: ChallengePatch| {
        let by = (access::By::Cli, None);
        challenges::ops::challenge_update(stage.pool(), &stage.wake, (GUILD, campaign.id, id), &patch, by)
            .await
            .unwrap();
    };
    patch(ChallengePatch { title: Some("Another".into()), ..ChallengePatch::default() }).await;
    assert_eq!(version().await, 1);
    patch(ChallengePatch { slug: Some("another".into()), ..ChallengePatch::default() }).await;
    assert_eq!(version().await, 2);
    patch(ChallengePatch {
        parts: Some(2),
        part_descriptions: Some(vec!["More.".into()]),
        ..ChallengePatch::default()
    })
    .await;
    assert_eq!(version().await, 3);
}

/// Rules for answers, and answers that are the same for everybody, come out as they went in: by folder and by database.
#[tokio::test]
async fn rules_for_answers_and_flags_survive_every_way() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    let files = [
        (
            "campaign.toml",
            "name = \"A\"\ncampaign_type = \"player\"\nscoring_type = \"point_based\"\nstarting_points = 100\n\
             points_decrease_step = 1\nduration_hours = 48\n",
        ),
        (
            "01-near/challenge.toml",
            "title = \"Near\"\nparts = 2\n[[answers]]\ncompare = \"number\"\nabsolute = 0.01\nrelative = \"1e-9\"\n\
             [[answers]]\ncompare = \"tokens\"\nignore_case = true\npoints = 250\n",
        ),
        ("01-near/README.md", "One.\n\n<!-- part two -->\n\nTwo.\n"),
        ("01-near/generate.py", "print(1)\n"),
        ("02-flag/challenge.toml", "title = \"Flag\"\nflags = [\"FLAG{snow}\", \"flag \\\"x\\\"\"]\n"),
        ("02-flag/README.md", "Find it.\n"),
    ];
    for (file, text) in files {
        let path = source.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let bundle = authoring::read(&source).unwrap();
    assert_eq!(bundle.challenges[0].answers[0].absolute.as_deref(), Some("0.01"));
    assert_eq!(bundle.challenges[0].answers[1].points, Some(250));
    let stage = Stage::new().await;
    let made =
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, None).await.unwrap();
    let mut exported = authoring::bundle_export(stage.pool(), GUILD, made.id).await.unwrap();
    assert_eq!(exported, bundle);
    let copy = dir.path().join("copy");
    authoring::write(&exported, &copy).unwrap();
    assert!(!copy.join("02-flag/generate.py").exists(), "flags are written as flags");
    assert_eq!(authoring::read(&copy).unwrap(), bundle);

    // Once it is released, what a part brings stays; how answers are compared may be mended.
    campaigns::ops::campaign_start(stage.pool(), &stage.wake, GUILD, Asker::CLI, made.id).await.unwrap();
    stage.run_due().await;
    let import = async |bundle: &Bundle| {
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, bundle, Some(made.id)).await
    };
    exported.challenges[0].answers[1].ignore_case = false;
    import(&exported).await.unwrap();
    exported.challenges[0].answers[1].points = Some(1);
    let refused = import(&exported).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(wrong)) if wrong[0].field == "challenges[0].answers"),
        "{refused:?}"
    );
    exported.challenges[0].answers[0].relative = Some("-1".to_owned());
    let refused = import(&exported).await;
    assert!(
        matches!(&refused, Err(Error::Invalid(wrong)) if wrong[0].field == "challenges[0].answers[0].relative")
    );
}

/// Ten parts, and texts in three languages, come out as they went in: by folder and by database.
#[tokio::test]
async fn parts_and_languages_survive_every_way() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("source");
    let readme = |first: &str| {
        let words = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
        let parts = words.map(|word| format!("\n<!-- part {word} -->\n\nPart {word}, {first}.\n"));
        format!("# {first}\n\nOne.\n") + &parts.concat()
    };
    let weights =
        std::array::from_fn::<_, 10, _>(|part| format!("[[answers]]\npoints = {}\n", part + 1)).concat();
    let files = [
        ("campaign.toml", "name = \"A\"\ncampaign_type = \"player\"\nduration_hours = 48\n".to_owned()),
        (
            "01-ten/challenge.toml",
            format!(
                "title = \"Ten\"\nparts = 10\nlanguage = \"de\"\n{weights}[titles]\npt-BR = \"Dez\"\n\
                     [[hints]]\ntext = \"Look.\"\npart = 10\n"
            ),
        ),
        ("01-ten/README.md", readme("Zehn")),
        ("01-ten/README.en.md", readme("Ten")),
        ("01-ten/README.pt-BR.md", readme("Muitos").replace("One.", "![Mapa](mapa.png)")),
        ("01-ten/mapa.png", "not quite a picture".to_owned()),
        ("01-ten/generate.py", "print(1)\n".to_owned()),
    ];
    for (file, text) in files {
        let path = source.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let bundle = authoring::read(&source).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    let ten = &bundle.challenges[0];
    assert_eq!((ten.part_descriptions.len(), ten.language.as_str()), (9, "de"));
    assert_eq!(ten.part_descriptions[8], "Part ten, Zehn.");
    let told: Vec<_> = ten.translations.iter().map(|t| (t.language.as_str(), t.title.as_deref())).collect();
    assert_eq!(told, [("en", None), ("pt-BR", Some("Dez"))]);
    assert_eq!(ten.attachments[0].path, "mapa.png", "the picture of one language is everybody's");
    let stage = Stage::new().await;
    let made =
        authoring::bundle_import(stage.pool(), &stage.wake, GUILD, Asker::CLI, &bundle, None).await.unwrap();
    let exported = authoring::bundle_export(stage.pool(), GUILD, made.id).await.unwrap();
    assert_eq!(exported, bundle);
    let copy = dir.path().join("copy");
    authoring::write(&exported, &copy).unwrap();
    assert_eq!(authoring::read(&copy).unwrap(), bundle);
    // As JSON, too, where what is usual is left out.
    let json = serde_json::to_value(&bundle).unwrap();
    assert_eq!(serde_json::from_value::<Bundle>(json).unwrap(), bundle);

    // What does not fit is told where it was written.
    let put = |file: &str, text: &str| std::fs::write(source.join(file), text).unwrap();
    put("01-ten/README.de.md", &readme("Zehn"));
    put("01-ten/challenge.toml", "title = \"Ten\"\nparts = 10\nlanguage = \"de\"\n[titles]\nfr = \"Dix\"\n");
    put("01-ten/README.en.md", "# Ten\n\nOne.\n");
    let said: Vec<String> = authoring::read(&source).unwrap_err().iter().map(ToString::to_string).collect();
    for wanted in [
        "01-ten/README.de.md: its language is the challenge's own language: README.md is in `de`",
        "01-ten/challenge.toml:5: `titles.fr` is the title of a text that is not there: README.fr.md",
        "01-ten/README.en.md: has no part two: put `<!-- part two -->`",
    ] {
        assert!(said.iter().any(|line| line.starts_with(wanted)), "{wanted} is not among {said:#?}");
    }
    assert_eq!(said.len(), 3, "{said:#?}");
}
