//! The bot: what commands work with.

use std::sync::Arc;

use access::App;
use access::personal::Keepers;
use assessment::ReviewDesk;
use challenges::SubmissionWriter;
use economy::TransferWriter;
use lake::ingest::EventWriter;
use learning::StepDesk;
use sandbox::Sandbox;

use crate::interactions::custom_id::Signer;
use crate::sender::Sender;
use crate::settings::DiscordSettings;

/// What this process brought up that commands and events need.
#[derive(Clone)]
pub struct Faculties {
    /// What all slices keep of members.
    pub keepers: Keepers,
    /// Judges answers.
    pub submissions: SubmissionWriter,
    /// Carries out transfers of bytes.
    pub transfers: TransferWriter,
    /// Completes steps that learners confirm.
    pub steps: StepDesk,
    /// Gives learners reviews to write.
    pub reviews: ReviewDesk,
    /// Takes events into the lake.
    pub lake: EventWriter,
    /// Runs scripts; `None` where this machine cannot or may not.
    pub sandbox: Option<Sandbox>,
}

/// The bot. Cheap to clone.
#[derive(Clone)]
pub struct Bot(Arc<Inner>);

struct Inner {
    app: App,
    faculties: Faculties,
    sender: Sender,
    signer: Signer,
    public_key: Option<[u8; 32]>,
    settings: DiscordSettings,
}

impl std::fmt::Debug for Bot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bot").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Bot {
    /// The bot of these settings, which are valid; `None` where they name no application.
    pub fn new(app: App, settings: DiscordSettings, faculties: Faculties) -> std::io::Result<Option<Self>> {
        let Some(application) = settings.application() else { return Ok(None) };
        let signer = Signer::new(&application.token);
        let public_key = application.public_key;
        let sender = Sender::new(app.pool().clone(), application)?;
        Ok(Some(Self(Arc::new(Inner { app, faculties, sender, signer, public_key, settings }))))
    }

    /// The state that all handlers share.
    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// What this process brought up besides.
    pub fn faculties(&self) -> &Faculties {
        &self.0.faculties
    }

    /// What requests to Discord go by.
    pub fn sender(&self) -> &Sender {
        &self.0.sender
    }

    /// What the operator chose.
    pub fn settings(&self) -> &DiscordSettings {
        &self.0.settings
    }

    /// Signs what components carry.
    pub(crate) fn signer(&self) -> &Signer {
        &self.0.signer
    }

    pub(crate) fn public_key(&self) -> Option<[u8; 32]> {
        self.0.public_key
    }
}
