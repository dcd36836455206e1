//! Authors: checkers, beside answers that are compared; a check of a large campaign; inputs with files made ahead.
//!
//! Answers go through [`SubmissionWriter`] as the API's do, but without HTTP, so that what a checker adds is not hidden by it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use campaigns::authoring::{self, ChallengeBundle, Checked, Seeds};
use challenges::catalogue::CampaignFiles;
use challenges::inputs::pregenerate;
use challenges::rules::Scoring;
use challenges::submissions::{Submission, SubmissionWriter};
use futures::stream::{self, StreamExt as _};
use jobs::Wake;
use kernel::{CampaignId, ChallengeId, Clock, UserId};
use sandbox::{Config, Sandbox, bench};
use serde_json::json;
use sqlx::PgPool;
use tokio::time::{MissedTickBehavior, interval};

use crate::contest::{self, FIRST_USER, GUILD};
use crate::figure::{Figure, Target, Unit};
use crate::ground::Ground;
use crate::progress;
use crate::sample::{Samples, per_second};

const SECTION: &str = "authors";
/// A checker of the usual kind: reads what was sent with care, and looks it up in the input.
const CHECKER: &str = "import json, sys\nasked = json.load(sys.stdin)\nnumbers = list(map(int, asked['input'].split()))\n\
    try: a, b = map(int, asked['answer'].split())\nexcept ValueError: print(json.dumps({'correct': False, 'message': 'Send two places.'}))\n\
    else: print(json.dumps({'correct': 0 <= a < b < len(numbers) and numbers[a] + numbers[b] == 8}))\n";
/// A generator that makes a file of some kilobytes for each participant.
const WITH_FILE: &str = "import json, os, random\nrows = [random.randint(1, 10**6) for _ in range(1500)]\n\
    with open(os.path.join(os.environ['QUESTHALL_OUT'], 'rows.csv'), 'w') as file:\n    file.writelines(f'{n},{row}\\n' for n, row in enumerate(rows))\n\
    print(json.dumps({'input': 'What do the rows add up to?', 'result': sum(rows)}))\n";
/// How many answers are on their way at once.
const AT_ONCE: usize = 64;
/// Answers a second of the calm load.
const CALM: u32 = 100;

struct Sizes {
    burst: usize,
    calm: usize,
    generators: usize,
    seeds: usize,
    participants: usize,
}

pub(crate) async fn measure(ground: &Ground, quick: bool) -> Result<Vec<Figure>> {
    let sizes = if quick {
        Sizes { burst: 20, calm: 20, generators: 2, seeds: 2, participants: 20 }
    } else {
        Sizes { burst: 2_000, calm: 1_000, generators: 40, seeds: 20, participants: 1_000 }
    };
    let sandbox = Sandbox::start(Config::default()).await?;
    bench::jailed(&sandbox, 8).await?;
    let outcome = with(ground, &sandbox, &sizes).await;
    sandbox.shutdown().await;
    outcome
}

async fn with(ground: &Ground, sandbox: &Sandbox, sizes: &Sizes) -> Result<Vec<Figure>> {
    let pool = ground.pool();
    let everybody = sizes.burst + 2 * sizes.calm;
    let campaign = contest::campaign(pool, Scoring::PointBased).await?;
    let challenges = contest::challenges(pool, campaign, 2).await?;
    let [plain, checked] = challenges[..] else { anyhow::bail!("the campaign has other challenges") };
    contest::participants(pool, campaign, Scoring::PointBased, everybody, false).await?;
    for challenge in [plain, checked] {
        contest::inputs(pool, campaign, &[challenge], everybody).await?;
    }
    sqlx::query!(
        "UPDATE challenges.challenges SET checker_script = $3 WHERE guild_id = $1 AND id = $2",
        GUILD.get(),
        checked.get(),
        CHECKER,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    ground.settle().await?;
    let writer = SubmissionWriter::start(pool, &Wake::new(), 2, Some(sandbox.clone()));
    let mut figures = Vec::new();
    {
        let _spinner = progress::spinner("checking answers");
        figures.extend(checkers(&writer, sandbox, (campaign, plain, checked), sizes).await?);
    }
    {
        let _spinner = progress::spinner("checking a campaign");
        figures.push(whole_check(sandbox, sizes).await?);
    }
    let _spinner = progress::spinner("making inputs with files");
    figures.push(ahead(pool, sandbox, sizes).await?);
    Ok(figures)
}

fn answer(campaign: CampaignId, challenge: ChallengeId, n: usize) -> Result<Submission> {
    let user = UserId::new(FIRST_USER + i64::try_from(n)?);
    // Every other one is right; each is from somebody else.
    let text = if n.is_multiple_of(2) { "0 9" } else { "1 2" };
    Ok(Submission::new((GUILD, campaign, challenge), user, None, text)?)
}

async fn checkers(
    writer: &SubmissionWriter,
    sandbox: &Sandbox,
    (campaign, plain, checked): (CampaignId, ChallengeId, ChallengeId),
    sizes: &Sizes,
) -> Result<Vec<Figure>> {
    let started = Instant::now();
    let sent = stream::iter(0..sizes.burst).map(|n| async move {
        Ok::<bool, anyhow::Error>(writer.submit(answer(campaign, checked, n)?).await?.correct)
    });
    let verdicts: Vec<bool> =
        sent.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect::<Result<_>>()?;
    let rate = per_second(sizes.burst, started.elapsed());
    let right = verdicts.iter().filter(|correct| **correct).count();
    ensure!(right == sizes.burst.div_ceil(2), "{right} of {} were right", sizes.burst);
    let bare = {
        let runs = u32::try_from(sizes.burst / 2)?.max(8);
        bench::jailed(sandbox, runs).await?.per_second()
    };
    let (_, compared) = calm(writer, (campaign, plain), sizes.burst, sizes.calm).await?;
    let (p50, p99) = calm(writer, (campaign, checked), sizes.burst + sizes.calm, sizes.calm).await?;
    Ok(vec![
        Figure::new(SECTION, "answers through a typical checker", rate, Unit::PerSecond)
            .target(Target::AtLeast(250.0))
            .limit(bare, "typical generators in the same jail"),
        Figure::new(SECTION, format!("a checked answer at {CALM}/s, p50"), p50, Unit::Milliseconds),
        Figure::new(
            SECTION,
            format!("what a checker adds to an answer's p99 at {CALM}/s"),
            (p99 - compared).max(0.0),
            Unit::Milliseconds,
        )
        .target(Target::AtMost(150.0))
        .limit(compared, "the p99 of an answer that is compared"),
    ])
}

/// Answers at a steady rate: p50 and p99, in milliseconds.
async fn calm(
    writer: &SubmissionWriter,
    (campaign, challenge): (CampaignId, ChallengeId),
    first: usize,
    count: usize,
) -> Result<(f64, f64)> {
    let mut tick = interval(Duration::from_secs(1) / CALM);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut tasks = tokio::task::JoinSet::new();
    for n in first..first + count {
        tick.tick().await;
        let writer = writer.clone();
        let sent = answer(campaign, challenge, n)?;
        tasks.spawn(async move {
            let started = Instant::now();
            writer.submit(sent).await.map(|_| started.elapsed())
        });
    }
    let mut samples = Samples::default();
    while let Some(done) = tasks.join_next().await {
        samples.push(done??);
    }
    Ok(samples.p50_p99())
}

/// A check of many generators on many seeds, beside what the scripts need by themselves.
async fn whole_check(sandbox: &Sandbox, sizes: &Sizes) -> Result<Figure> {
    let bundle = |n: usize| -> Result<ChallengeBundle> {
        Ok(serde_json::from_value(json!({
            "slug": format!("{n:02}-maze"), "title": "Maze", "description": "The shortest way.",
            "generation_script": bench::TYPICAL_SCRIPT,
        }))?)
    };
    let challenges: Vec<ChallengeBundle> = (1..=sizes.generators).map(bundle).collect::<Result<_>>()?;
    let files = CampaignFiles::default();
    let what = Checked {
        campaign: None,
        challenges: &challenges,
        files: &files,
        folder: None,
        only: None,
        now: Clock::system().now(),
    };
    let runs = u32::try_from(sizes.generators * sizes.seeds)?;
    let plain = bench::plain_python(sandbox.python().0, runs.div_ceil(8).max(2), 1).await?;
    let started = Instant::now();
    let report = authoring::check(sandbox, 0, what, Seeds::exactly(sizes.seeds), |_| {}).await;
    let took = started.elapsed().as_secs_f64();
    ensure!(report.valid, "the typical generator does not check: {:?}", report.errors.first());
    let own = plain.p50.as_secs_f64() * f64::from(runs);
    Ok(Figure::new(
        SECTION,
        format!(
            "a check of {} generators × {} seeds, of its scripts' own time",
            sizes.generators, sizes.seeds
        ),
        100.0 * took / own,
        Unit::Percent,
    )
    .target(Target::AtMost(60.0))
    .limit(100.0, "each seed once by plain python3, one after the other"))
}

/// Inputs with files for everybody who is registered.
async fn ahead(pool: &PgPool, sandbox: &Sandbox, sizes: &Sizes) -> Result<Figure> {
    let campaign = contest::campaign(pool, Scoring::PointBased).await?;
    let challenge = contest::challenges(pool, campaign, 1).await?[0];
    contest::participants(pool, campaign, Scoring::PointBased, sizes.participants, false).await?;
    sqlx::query!(
        "UPDATE challenges.challenges SET generation_script = $3 WHERE guild_id = $1 AND id = $2",
        GUILD.get(),
        challenge.get(),
        WITH_FILE,
    )
    .execute(&mut *db::acquire(pool).await?)
    .await?;
    let started = Instant::now();
    let made = pregenerate(pool, &Wake::new(), sandbox, (GUILD, challenge)).await?;
    let took = started.elapsed();
    ensure!(usize::try_from(made)? == sizes.participants, "{made} inputs were made");
    let typical = bench::jailed(sandbox, u32::try_from(sizes.participants / 2)?.max(8)).await?.per_second();
    Ok(Figure::new(
        SECTION,
        "inputs with a file of 18 kB, made ahead and stored",
        per_second(sizes.participants, took),
        Unit::PerSecond,
    )
    .target(Target::AtLeast(200.0))
    .limit(typical, "typical generators in the same jail, nothing stored"))
}
