//! Bundles into the database, and back out of it. How challenges change is the catalogue's, whatever face asks for it.

use challenges::CampaignKey;
use challenges::catalogue::{self, ChallengeDraft, scripts_new};
use jobs::Wake;
use kernel::{CampaignId, FieldError, GuildId};
use sandbox::Sandbox;
use sqlx::PgPool;

use super::bundle::{Bundle, ChallengeBundle, bundle_check, renamed};
use super::carried::{bundled, files_of};
use super::check::{Checked, Seeds, check};
use super::mistake::Mistake;
use crate::error::Error;
use crate::model::{Campaign, Status};
use crate::ops::{self, Asker};
use crate::store::timers::{releases_schedule, timers_announce};

/// For how many made-up participants a bundle's new scripts are run before it is taken.
const TRIED: Seeds = Seeds::exactly(3);

/// Checks a bundle as `campaign check` checks a folder, but for what is in a folder alone, and refuses what that would refuse. Of a
/// campaign that it is to be brought to, scripts that are there already do not run again.
#[kernel::boxed]
pub async fn bundle_try(
    pool: &PgPool,
    sandbox: &Sandbox,
    guild_id: GuildId,
    bundle: &Bundle,
    into: Option<CampaignId>,
) -> Result<(), Error> {
    let wrong = bundle_check(bundle);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    if let Some(id) = into {
        ops::campaign_get(pool, guild_id, id, true).await?;
    }
    let drafts: Vec<ChallengeDraft> = bundle.challenges.iter().map(ChallengeDraft::from).collect();
    let files = files_of(&bundle.library, &bundle.challenges).map_err(Error::Invalid)?;
    let new = scripts_new(pool, (guild_id, into), (&drafts, &files)).await?;
    let now = db::now(&mut *db::acquire(pool).await?).await?;
    let what = Checked { only: Some(&new), ..Checked::bundle(bundle, &files, now) };
    let report = check(sandbox, guild_id.get(), what, TRIED, |_| {}).await;
    let wrong: Vec<FieldError> = report.errors.iter().map(|mistake| field_of(bundle, mistake)).collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// A mistake in a file as one of the bundle's field that the file would be.
fn field_of(bundle: &Bundle, mistake: &Mistake) -> FieldError {
    let place = mistake.file.split_once('/').and_then(|(slug, file)| {
        let n = bundle.challenges.iter().position(|challenge| challenge.slug == slug)?;
        Some(match file {
            "generate.py" => format!("challenges[{n}].generation_script"),
            "check.py" => format!("challenges[{n}].checker_script"),
            _ => format!("challenges[{n}]"),
        })
    });
    let field = place.unwrap_or_else(|| "campaign".to_owned());
    FieldError { field, message: mistake.message.clone() }
}

/// Makes a draft of a bundle, or brings a campaign that is not over to what the bundle says. Challenges are the same by their
/// slug; one that is no longer in the bundle goes, unless it has been released. A script that changed makes inputs anew for
/// everyone who has not begun; who has keeps theirs.
#[kernel::boxed]
pub async fn bundle_import(
    pool: &PgPool,
    wake: &Wake,
    guild_id: GuildId,
    by: Asker<'_>,
    bundle: &Bundle,
    into: Option<CampaignId>,
) -> Result<Campaign, Error> {
    let wrong = bundle_check(bundle);
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let files = files_of(&bundle.library, &bundle.challenges).map_err(Error::Invalid)?;
    let mut tx = db::begin(pool).await?;
    let (id, status) = match into {
        None => (ops::campaign_insert(&mut tx, guild_id, by, &bundle.campaign).await?.id, Status::Created),
        Some(id) => {
            let (status, old) = ops::locked(&mut tx, guild_id, id).await?;
            if !matches!(status, Status::Created | Status::Running) {
                let why = "what was played is final; import it as a new campaign";
                return Err(Error::State { action: "importing", status, why });
            }
            let mut settings = bundle.campaign.clone();
            // A folder without a start time leaves the one that was set when it was published.
            settings.start_time = settings.start_time.or(old.settings.start_time);
            ops::campaign_write(&mut tx, wake, by, &old, status, &settings).await?;
            (id, status)
        }
    };
    let drafts: Vec<ChallengeDraft> = bundle.challenges.iter().map(ChallengeDraft::from).collect();
    catalogue::challenges_put(&mut tx, (guild_id, id), &drafts, (by.by, by.origin)).await.map_err(
        |error| match error {
            challenges::Error::Wrong(faults) => Error::Invalid(faults.into_iter().map(renamed).collect()),
            other => other.into(),
        },
    )?;
    catalogue::files_put(&mut tx, (guild_id, id), &files, (by.by, by.origin)).await?;
    if status == Status::Running {
        let key = CampaignKey { guild_id, id };
        releases_schedule(&mut tx, &[key]).await?;
        timers_announce(&mut tx, wake, key).await?;
    }
    let campaign = ops::found(&mut tx, guild_id, id).await?;
    ops::rewards_reachable(&campaign)?;
    tx.commit().await?;
    ops::committed(wake);
    Ok(campaign)
}

/// The bundle of a campaign: what importing it again would make.
pub async fn bundle_export(pool: &PgPool, guild_id: GuildId, id: CampaignId) -> Result<Bundle, Error> {
    let mut tx = db::begin(pool).await?;
    let campaign = ops::found(&mut tx, guild_id, id).await?;
    let challenges = catalogue::drafts(&mut tx, guild_id, id).await?;
    let mut files = catalogue::files_read(&mut tx, guild_id, id).await?;
    let challenges = challenges.into_iter().map(|draft| {
        let mut challenge = ChallengeBundle::from(draft);
        let of = files.challenges.remove(&challenge.slug).unwrap_or_default();
        challenge.files = bundled(&of.script);
        challenge.attachments = bundled(&of.attachments);
        challenge
    });
    Ok(Bundle {
        campaign: campaign.settings,
        challenges: challenges.collect(),
        library: bundled(&files.library),
    })
}
