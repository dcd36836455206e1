//! Inputs made by real scripts in the real sandbox. The sandbox starts this very binary again as its zygote, so this test
//! has a `main` of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod checkers;
mod files;
#[expect(dead_code, reason = "shared with the other tests, of which these need a part")]
#[path = "../it/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::future::Future;
use std::process::ExitCode;

use access::By;
use access::testing::House;
use axum::Extension;
use challenges::Error;
use challenges::catalogue::{
    CampaignFiles, ChallengeDraft, ChallengePatch, challenge_update, check, scripts_new,
};
use challenges::inputs::{Input, input_get, input_with_answers, pregenerate};
use futures::future::join_all;
use jobs::Wake;
use kernel::{ChallengeId, Problem, UserId};
use libtest_mimic::{Arguments, Failed, Trial};
use sandbox::{Config, Sandbox};
use serde_json::json;

use crate::world::{GUILD, Rules, World};

const SCRIPT: &str = "import json, random\nn = random.randint(1, 10**9)\nprint(json.dumps({'input': str(n), 'result': n + 1}))";

fn main() -> ExitCode {
    sandbox::zygote_main_if_asked();
    let trials = vec![
        trial("every_participant_has_an_input_of_their_own", own_inputs),
        trial("the_answer_to_the_input_is_right", right_answers),
        trial("an_edit_spares_who_has_begun", edits),
        trial("a_failing_script_is_told_once", failures),
        trial("inputs_are_made_ahead", ahead),
        trial("secret_challenges_have_no_input", secrets),
        trial("a_folders_new_scripts_are_tried", folders),
        trial("a_script_that_comes_alone_is_tried_too", alone),
        trial("files_come_and_go_with_the_folder_and_the_input", files::with_the_input),
        trial("attachments_are_served_once_released", files::attachments),
        trial("a_checker_judges_and_gives_shares", checkers::judges),
        trial("a_failing_checker_costs_no_try_and_is_told_once", checkers::fails),
        trial("an_answer_left_behind_is_judged_as_of_its_arrival", checkers::left_behind),
        trial("answers_are_judged_in_order_and_limited_before_they_are_checked", checkers::in_order),
        trial("what_a_dead_node_left_is_judged_once", checkers::once),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial<F>(name: &'static str, test: fn(World, Sandbox) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        runtime.block_on(async {
            let sandbox =
                Sandbox::start(Config { workers: 2, ..Config::default() }).await.map_err(Failed::from)?;
            let world = World::new(Rules { status: "RUNNING", ..Rules::default() }).await;
            test(world, sandbox.clone()).await;
            sandbox.shutdown().await;
            Ok(())
        })
    })
}

impl World {
    async fn scripted(&self, place: i32, script: &str) -> ChallengeId {
        let id = self.challenge(place, 1).await;
        sqlx::query("UPDATE challenges.challenges SET generation_script = $2 WHERE id = $1")
            .bind(id.get())
            .bind(script)
            .execute(self.pool())
            .await
            .unwrap();
        id
    }

    async fn get(&self, sandbox: &Sandbox, challenge: ChallengeId, user: i64) -> Result<Input, Error> {
        let ids = (GUILD, self.campaign, challenge);
        input_get(self.pool(), &Wake::new(), sandbox, ids, UserId::new(user)).await
    }

    async fn edit(&self, challenge: ChallengeId, patch: ChallengePatch) {
        let mut tx = self.pool().begin().await.unwrap();
        let which = (GUILD, self.campaign, challenge);
        challenge_update(&mut tx, which, &patch, (By::System, None)).await.unwrap();
        tx.commit().await.unwrap();
    }
}

async fn own_inputs(world: World, sandbox: Sandbox) {
    let challenge = world.scripted(1, SCRIPT).await;
    world.players(1..=2, &[]).await;
    let all = join_all((0..8).map(|_| world.get(&sandbox, challenge, 1))).await;
    let first = all[0].as_ref().unwrap().clone();
    assert!(first.value.is_string() && first.first_request.is_some());
    for other in all {
        assert_eq!(other.unwrap(), first, "racing requests see one input and one stamp");
    }
    assert_ne!(world.get(&sandbox, challenge, 2).await.unwrap().value, first.value);
    assert_eq!(
        world.count("SELECT count(*) FROM challenges.generated_input_cache WHERE campaign_id = $1").await,
        2
    );
    // Made anew, it is the same: it follows from the secret, the slug and the participant.
    world.run("DELETE FROM challenges.generated_input_cache WHERE campaign_id = $1").await;
    assert_eq!(world.get(&sandbox, challenge, 1).await.unwrap().value, first.value);
}

async fn right_answers(world: World, sandbox: Sandbox) {
    let challenge = world.scripted(1, SCRIPT).await;
    world.players([1], &[]).await;
    assert_eq!(world::slug(world.submit(challenge, 1, None, "1").await), "input-first");
    let input = world.get(&sandbox, challenge, 1).await.unwrap();
    let number: i64 = input.value.as_str().unwrap().parse().unwrap();
    assert!(!world.submit(challenge, 1, None, &number.to_string()).await.unwrap().correct);
    assert!(world.submit(challenge, 1, None, &(number + 1).to_string()).await.unwrap().correct);
    let stored = input_with_answers(world.pool(), (GUILD, world.campaign, challenge), "1").await.unwrap();
    assert_eq!(stored.answers, [(number + 1).to_string()]);
}

async fn edits(world: World, sandbox: Sandbox) {
    let challenge = world.scripted(1, SCRIPT).await;
    world.players(1..=2, &[]).await;
    let begun = world.get(&sandbox, challenge, 1).await.unwrap();
    assert_eq!(pregenerate(world.pool(), &Wake::new(), &sandbox, (GUILD, challenge)).await.unwrap(), 1);
    let other = "import json\nprint(json.dumps({'input': {'n': [1, 2]}, 'result': 'new'}))".to_owned();
    let patch = ChallengePatch { generation_script: Some(other.clone()), ..ChallengePatch::default() };
    world.edit(challenge, patch).await;
    assert_eq!(world.get(&sandbox, challenge, 1).await.unwrap(), begun);
    assert_eq!(world.get(&sandbox, challenge, 2).await.unwrap().value, json!({ "n": [1, 2] }));
    let script = Some(other + "\n");
    let patch =
        ChallengePatch { generation_script: script, regenerate_started: true, ..ChallengePatch::default() };
    world.edit(challenge, patch).await;
    assert_eq!(world::slug(world.submit(challenge, 1, None, "new").await), "input-first");
    let replaced = world.get(&sandbox, challenge, 1).await.unwrap();
    assert_eq!(replaced.value, json!({ "n": [1, 2] }));
    assert_eq!(replaced.first_request, begun.first_request, "the first request stays the first");
    assert!(world.submit(challenge, 1, None, "new").await.unwrap().correct);
}

async fn failures(world: World, sandbox: Sandbox) {
    let challenge = world.scripted(1, "secret_word = 1\nraise ValueError('no luck')").await;
    world.players(1..=3, &[]).await;
    for user in 1..=3 {
        let problem = Problem::from(world.get(&sandbox, challenge, user).await.unwrap_err());
        assert_eq!((problem.status(), problem.slug()), (503, "input-unavailable"));
        assert!(!problem.detail().contains("luck") && !problem.detail().contains("secret"), "{problem}");
    }
    let told = "SELECT count(*) FROM jobs.outbox WHERE event_type = 'challenge.script_failed' AND user_id = 0
                AND subject = 'campaigns/' || $1::uuid AND payload->>'error' LIKE '%no luck%'";
    assert_eq!(world.count(told).await, 1);
    let checked = check(world.pool(), &sandbox, (GUILD, world.campaign, challenge), None, 2).await.unwrap();
    assert!(!checked.good && checked.problems[0].contains("no luck"), "{checked:?}");
    let good =
        check(world.pool(), &sandbox, (GUILD, world.campaign, challenge), Some(SCRIPT), 2).await.unwrap();
    assert!(good.good && good.seeds.len() == 2, "{good:?}");
    let patch = ChallengePatch { generation_script: Some(SCRIPT.into()), ..ChallengePatch::default() };
    world.edit(challenge, patch).await;
    assert!(world.get(&sandbox, challenge, 1).await.is_ok());
}

async fn ahead(world: World, sandbox: Sandbox) {
    let challenge = world.scripted(1, SCRIPT).await;
    world.players(1..=70, &[]).await;
    let wake = Wake::new();
    let (one, two) = futures::join!(
        pregenerate(world.pool(), &wake, &sandbox, (GUILD, challenge)),
        pregenerate(world.pool(), &wake, &sandbox, (GUILD, challenge))
    );
    assert_eq!(one.unwrap() + two.unwrap(), 70, "nothing is stored twice");
    let asked = "SELECT count(*) FROM challenges.generated_input_cache WHERE campaign_id = $1 AND first_request_timestamp IS NOT NULL";
    assert_eq!(world.count(asked).await, 0);
    assert!(world.get(&sandbox, challenge, 7).await.unwrap().first_request.is_some());
    assert_eq!(world.count(asked).await, 1);
}

async fn secrets(world: World, sandbox: Sandbox) {
    let secret = world.challenge_released(1, 1, None).await;
    let open = world.scripted(2, SCRIPT).await;
    world.players([1], &[]).await;
    let slug = async |challenge, user| {
        Problem::from(world.get(&sandbox, challenge, user).await.unwrap_err()).slug().to_owned()
    };
    assert_eq!(slug(secret, 1).await, "not-found");
    assert_eq!(slug(open, 2).await, "not-registered");
    world.run("UPDATE campaigns.campaigns SET status = 'CLOSED' WHERE id = $1").await;
    let late = world.get(&sandbox, open, 1).await.unwrap();
    assert!(late.first_request.is_none(), "who first looks when all is over starts no clock");
    world.run("UPDATE campaigns.campaigns SET status = 'EXPIRED' WHERE id = $1").await;
    assert_eq!(slug(open, 1).await, "campaign-not-running");
}

async fn folders(world: World, _: Sandbox) {
    world.scripted(1, "print('known')").await;
    let draft = |slug: &str, script: &str, checker: Option<&str>| -> ChallengeDraft {
        let draft = json!({ "slug": slug, "title": "A", "description": "x", "generation_script": script,
            "checker_script": checker });
        serde_json::from_value(draft).unwrap()
    };
    let new = async |folder: &[ChallengeDraft], into| {
        let files = CampaignFiles::default();
        let new = scripts_new(world.pool(), (GUILD, into), (folder, &files)).await.unwrap();
        new.into_iter().collect::<BTreeSet<_>>()
    };
    let named = |slugs: &[&str]| slugs.iter().map(|&slug| slug.to_owned()).collect::<BTreeSet<_>>();
    let folder = [draft("challenge-1", "print('known')", None), draft("b", SCRIPT, None)];
    assert_eq!(new(&folder, None).await, named(&["challenge-1", "b"]));
    // What the campaign runs already need not be tried again.
    assert_eq!(new(&folder, Some(world.campaign)).await, named(&["b"]));
    let other = [draft("challenge-1", "print('another')", None)];
    assert_eq!(new(&other, Some(world.campaign)).await, named(&["challenge-1"]));
    let checked = [draft("challenge-1", "print('known')", Some("print('true')"))];
    assert_eq!(new(&checked, Some(world.campaign)).await, named(&["challenge-1"]), "its checker is new");
}

async fn alone(world: World, sandbox: Sandbox) {
    let known = world.scripted(1, "raise ValueError('known to be bad')").await;
    let campaign = world.campaign;
    let routes = challenges::router().split_for_parts().0.layer(Extension(sandbox));
    let house = House::within(world.db, GUILD, &["campaigns:write"], |_| routes).await;
    let base = format!("/guilds/{GUILD}/campaigns/{campaign}/challenges");
    let one = format!("{base}/{known}");
    let send = async |method: &str, path: &str, body: serde_json::Value| {
        let (status, answer) = house.send(method, path, None, Some(body)).await;
        (status, answer["errors"][0]["field"].clone(), answer["errors"][0]["message"].to_string())
    };
    let draft = |script: &str| json!({ "title": "B", "description": "x", "generation_script": script });
    let (bad, two) = ("raise ValueError('no luck')", "print('{\"input\": 1, \"result\": [1, 2]}')");
    let long = format!("print('{{\"input\": 1, \"result\": \"{}\"}}')", "x".repeat(5_000));
    for (script, says) in [(bad, "no luck"), (two, "2 answers"), (long.as_str(), "bytes")] {
        let added = send("POST", &base, draft(script)).await;
        assert_eq!((added.0, &added.1), (400, &json!("generation_script")), "{script}: {added:?}");
        assert!(added.2.contains(says), "{added:?}");
        let changed = send("PATCH", &one, json!({ "generation_script": script })).await;
        assert_eq!((changed.0, &changed.1), (400, &json!("generation_script")), "{script}: {changed:?}");
    }
    // What is wrong otherwise is said first, and nobody has to mend a script that they do not touch.
    assert_eq!(
        send("POST", &base, json!({ "title": "", "description": "x", "generation_script": bad })).await.1,
        "title"
    );
    assert_eq!(send("PATCH", &one, json!({ "title": "Better" })).await.0, 200);
    assert_eq!(send("POST", &base, draft(SCRIPT)).await.0, 201);
    assert_eq!(send("PATCH", &one, json!({ "generation_script": SCRIPT })).await.0, 200);
    assert_eq!(
        send("PATCH", &format!("{one}?unchecked=true"), json!({ "generation_script": bad })).await.0,
        200
    );
    assert_eq!(send("PATCH", &one, json!({ "title": "Best" })).await.0, 200);
}
