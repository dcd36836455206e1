//! `questhall credential`: badges and what was issued for them, by the operator.

use std::path::{Path, PathBuf};

use access::{Author, By, Origin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Subcommand, ValueEnum};
use credentials::ids::{BadgeId, CredentialId};
use credentials::model::{Algorithm, Badge, BadgeEdit, Credential, NewBadge, Picture, Standing};
use credentials::ops::{self, Issuing};
use credentials::store::Filter;
use kernel::{PageQuery, Problem, UserId};
use learning::ids::PathId;
use sqlx::PgPool;

use super::operator::pages as all_pages;
use crate::{
    args::{Global, Guild},
    failure::{Code, Failure, OrFail as _},
    screen::{Screen, table},
    setup,
};

#[derive(Debug, Subcommand)]
pub(crate) enum CredentialCommand {
    /// List badges: what credentials are issued for.
    Badges {
        #[command(flatten)]
        guild: Guild,
    },
    /// Make a badge for a learning path or for an achievement.
    Badge {
        #[command(flatten)]
        guild: Guild,
        /// Its name.
        name: String,
        /// The learning path it is earned by completing.
        #[arg(long, value_name = "ID", required_unless_present = "achievement")]
        path: Option<PathId>,
        /// The achievement it goes with.
        #[arg(long, value_name = "NUMBER", conflicts_with = "path")]
        achievement: Option<i32>,
        /// What its holder can do.
        #[arg(long)]
        description: String,
        /// What had to be done, Markdown.
        #[arg(long)]
        criteria: String,
        /// Days for which a credential is valid; for ever unless told.
        #[arg(long, value_name = "DAYS")]
        valid_days: Option<i32>,
        /// Its picture, a PNG.
        #[arg(long, value_name = "FILE")]
        image: Option<PathBuf>,
    },
    /// Give a badge its picture, a PNG.
    Image {
        #[command(flatten)]
        guild: Guild,
        /// The badge.
        badge: BadgeId,
        /// The file.
        file: PathBuf,
    },
    /// Issue no more credentials for a badge.
    Retire {
        #[command(flatten)]
        guild: Guild,
        /// The badge.
        badge: BadgeId,
    },
    /// List what was issued, the latest first.
    List {
        #[command(flatten)]
        guild: Guild,
        /// Of this member.
        #[arg(long, value_name = "ID")]
        user: Option<UserId>,
        /// For this badge.
        #[arg(long, value_name = "ID")]
        badge: Option<BadgeId>,
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Issue a credential by hand to a member who earned it and holds none.
    Issue {
        #[command(flatten)]
        guild: Guild,
        /// The badge.
        badge: BadgeId,
        /// The member.
        user: UserId,
    },
    /// Revoke a credential, for good.
    Revoke {
        #[command(flatten)]
        guild: Guild,
        /// The credential.
        credential: CredentialId,
        /// Why: the holder is told.
        #[arg(long)]
        reason: String,
    },
    /// Tell how a credential stands.
    Verify {
        #[command(flatten)]
        guild: Guild,
        /// The credential.
        credential: CredentialId,
    },
    /// List the guild's signing keys, the newest first.
    Keys {
        #[command(flatten)]
        guild: Guild,
    },
    /// Make another signing key; what older ones signed stays valid.
    RotateKey {
        #[command(flatten)]
        guild: Guild,
        /// How it signs.
        #[arg(long, value_enum, default_value_t = Signature::Es256)]
        algorithm: Signature,
    },
}

/// How a key signs, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Signature {
    /// ECDSA on P-256: what verifiers of Open Badges 3.0 take.
    Es256,
    /// Ed25519.
    Eddsa,
}

impl From<Signature> for Algorithm {
    fn from(signature: Signature) -> Self {
        match signature {
            Signature::Es256 => Self::Es256,
            Signature::Eddsa => Self::EdDsa,
        }
    }
}

pub(crate) async fn run(
    global: &Global,
    command: &CredentialCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    setup::log_quietly();
    let settings = setup::settings(global, &[])?;
    let (vault, public_url) = (settings.vault(), settings.http.public_url.clone());
    let issuing = Issuing { vault: &vault, public_url: public_url.as_deref() };
    setup::with_database(global, async |database| carry_out(database.pool(), &issuing, command, screen).await)
        .await
}

#[expect(clippy::too_many_lines, reason = "an arm for each command")]
async fn carry_out(
    pool: &PgPool,
    issuing: &Issuing<'_>,
    command: &CredentialCommand,
    screen: &Screen,
) -> Result<(), Failure> {
    let origin = Origin::default();
    let author = Author::new(By::Cli, &origin);
    match command {
        CredentialCommand::Badges { guild } => {
            let rows =
                all_pages(usize::MAX, async |page: PageQuery| ops::badge_list(pool, guild.id, &page).await)
                    .await?;
            screen.answer(&rows, |rows| badges(rows))
        }
        CredentialCommand::Badge {
            guild,
            name,
            path,
            achievement,
            description,
            criteria,
            valid_days,
            image,
        } => {
            let picture = image.as_deref().map(picture).transpose()?;
            let new = NewBadge {
                path_id: *path,
                achievement_id: *achievement,
                name: name.clone(),
                description: description.clone(),
                criteria: criteria.clone(),
                valid_days: *valid_days,
            };
            let mut made = ops::badge_create(pool, guild.id, &new, author).await.map_err(Problem::from)?;
            if let Some(picture) = picture {
                made = ops::badge_image_put(pool, guild.id, made.id, &picture, author)
                    .await
                    .map_err(Problem::from)?;
            }
            if issuing.public_url.is_none() {
                screen.note("Nothing is issued until http.public_url is set: credentials name the address at which they are verified.");
            }
            screen.answer(&made, |badge| badge.id.to_string())
        }
        CredentialCommand::Image { guild, badge, file } => {
            let after = ops::badge_image_put(pool, guild.id, *badge, &picture(file)?, author)
                .await
                .map_err(Problem::from)?;
            screen.answer(&after, |badge| badges(std::slice::from_ref(badge)))
        }
        CredentialCommand::Retire { guild, badge } => {
            let edit = BadgeEdit { is_active: Some(false), ..BadgeEdit::default() };
            let after =
                ops::badge_update(pool, guild.id, *badge, &edit, author).await.map_err(Problem::from)?;
            screen.answer(&after, |badge| format!("{} is not issued any more.", badge.name))
        }
        CredentialCommand::List { guild, user, badge, limit } => {
            let filter = Filter { user: *user, badge: *badge, revoked: None };
            let rows = all_pages(*limit, async |page: PageQuery| {
                ops::credential_list(pool, guild.id, filter, &page).await
            })
            .await?;
            screen.answer(&rows, |rows| credentials(rows))
        }
        CredentialCommand::Issue { guild, badge, user } => {
            let issued = ops::credential_issue(pool, issuing, guild.id, (*badge, *user), author)
                .await
                .map_err(Problem::from)?;
            screen.answer(&issued, |credential| credential.id.to_string())
        }
        CredentialCommand::Revoke { guild, credential, reason } => {
            let revoked = ops::credential_revoke(pool, guild.id, *credential, reason, author)
                .await
                .map_err(Problem::from)?;
            screen.answer(&revoked, |credential| {
                format!("{} of {} is revoked.", credential.badge, credential.holder_name)
            })
        }
        CredentialCommand::Verify { guild, credential } => {
            let known = ops::verification(pool, guild.id, *credential).await.map_err(Problem::from)?;
            screen.answer(&known, |known| {
                let badge = known.badge.as_deref().map_or(String::new(), |badge| format!(": {badge}"));
                format!("{}{badge}", told(known.standing))
            })?;
            if known.standing == Standing::Valid { Ok(()) } else { Err(Failure::no()) }
        }
        CredentialCommand::Keys { guild } => {
            let keys = ops::key_list(pool, guild.id).await.map_err(Problem::from)?;
            screen.answer(&keys, |keys| {
                let rows = keys.iter().map(|key| {
                    let retired = key.retired_at.map_or("signs".to_owned(), |at| format!("replaced {at}"));
                    [key.id.to_string(), key.algorithm.as_str().to_owned(), retired]
                });
                table(["id", "algorithm", "state"], rows)
            })
        }
        CredentialCommand::RotateKey { guild, algorithm } => {
            let made = ops::key_rotate(pool, issuing, guild.id, (*algorithm).into(), author)
                .await
                .map_err(Problem::from)?;
            screen.answer(&made, |key| {
                format!("The key {} signs from now on ({}).", key.id, key.algorithm.as_str())
            })
        }
    }
}

fn picture(file: &Path) -> Result<Picture, Failure> {
    let png = std::fs::read(file).or_fail(Code::Unavailable)?;
    Ok(Picture { png: Some(STANDARD.encode(png)) })
}

const fn told(standing: Standing) -> &'static str {
    match standing {
        Standing::Valid => "valid",
        Standing::Expired => "expired",
        Standing::Revoked => "revoked",
        Standing::Unknown => "unknown",
    }
}

fn badges(badges: &[Badge]) -> String {
    let rows = badges.iter().map(|badge| {
        let subject = match (badge.path_id, badge.achievement_id) {
            (Some(path), _) => format!("path {path}"),
            (None, Some(achievement)) => format!("achievement {achievement}"),
            (None, None) => String::new(),
        };
        [
            badge.id.to_string(),
            badge.name.clone(),
            subject,
            badge.held_by.to_string(),
            if badge.has_image { "picture" } else { "" }.to_owned(),
            if badge.is_active { "issued" } else { "retired" }.to_owned(),
        ]
    });
    table(["id", "name", "for", "held by", "", "state"], rows)
}

fn credentials(credentials: &[Credential]) -> String {
    let rows = credentials.iter().map(|one| {
        [
            one.id.to_string(),
            one.badge.clone(),
            one.user_id.to_string(),
            one.holder_name.clone(),
            one.issued_at.format("%Y-%m-%d").to_string(),
            told(one.standing).to_owned(),
        ]
    });
    table(["id", "badge", "member", "name", "issued", "standing"], rows)
}
