//! A challenge: its text, one's input, the answer, what was answered before, hints with their price.

use access::scope::{CampaignsPlay, CampaignsRead, Scope as _};
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use campaigns::model::{Campaign, Status};
use challenges::catalogue::Challenge;
use challenges::hints::Hint;
use challenges::inputs::{Input, MadeFile};
use challenges::ops::Onlooker;
use challenges::submissions::{PastSubmission, Whose};
use frame::form::Form;
use frame::html::Html;
use frame::page::{Page, optional, refused, shown_in_form};
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, languages, markdown, ui};
use futures::{FutureExt as _, TryFutureExt as _, try_join};
use kernel::files::encoded;
use kernel::{PageQuery, Problem};
use serde_json::Value;

use super::{ChallengePath, sees_drafts, solvers};

/// The largest input that is shown in the page, in bytes; larger ones are downloaded.
const SHOWN_INPUT: usize = 64 * 1024;
/// How many past answers are shown.
const ANSWERS: i64 = 10;

#[derive(Template)]
#[template(path = "campaigns/challenge.html")]
pub(super) struct ChallengePage {
    shell: Shell,
    campaign: Campaign,
    challenge: Challenge,
    input: Option<Input>,
    files: Vec<MadeFile>,
    hints: Vec<Hint>,
    answers: Vec<PastSubmission>,
    registered: bool,
    form: Form,
}

/// The input as text, as the API sends it.
pub(super) fn text_of(input: &Input) -> String {
    match &input.value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl ChallengePage {
    fn at(&self, rest: &str) -> String {
        self.shell
            .at(&format!("/campaigns/{}/challenges/{}{rest}", self.challenge.campaign_id, self.challenge.id))
    }

    fn text(&self) -> Html {
        markdown::render_below(&self.challenge.description, &self.challenge.title, &|name| self.file(name))
    }

    /// The texts of the parts from the second that are open, each with its part and what is to be said of that.
    fn further(&self) -> Vec<(i32, Html, Html)> {
        let text = |text: &String| markdown::render_with(text, &|name| self.file(name));
        let texts = self.challenge.part_descriptions.iter().map(text);
        (2..).zip(texts).map(|(part, text)| (part, self.about_part(part), text)).collect()
    }

    fn about_first(&self) -> Html {
        self.about_part(1)
    }

    /// Whether nothing is said of the parts, as there is but one and it brings no points.
    fn is_plain(&self) -> bool {
        self.challenge.parts == 1 && self.challenge.points.is_empty()
    }

    /// The part that opens next, and after which it does.
    fn closed_part(&self) -> Option<(i32, i32)> {
        let open = i32::try_from(self.challenge.part_descriptions.len()).unwrap_or_default() + 1;
        (open < self.challenge.parts).then_some((open + 1, open))
    }

    /// Whether a part is solved, and what its first solver gets.
    fn about_part(&self, part: i32) -> Html {
        let solved = self.challenge.solved_parts.contains(&part);
        let points = usize::try_from(part - 1).ok().and_then(|n| self.challenge.points.get(n));
        let worth = points.map(|points| format!("{} points", format::number(*points)));
        let seal = if solved { ui::seal("done", "Solved") } else { Html::default() };
        let worth = worth.unwrap_or_default();
        Html::trusted(format!("{seal} <span class=\"muted small\">{worth}</span>"))
    }

    fn languages(&self) -> Html {
        languages::switch(&self.shell, &self.challenge.languages, &self.challenge.language)
    }

    /// The address of an attachment that the text names.
    fn file(&self, named: &str) -> Option<String> {
        let named = named.strip_prefix("./").unwrap_or(named);
        let named = named.strip_prefix("attachments/").unwrap_or(named);
        let file = self
            .challenge
            .attachments
            .iter()
            .find(|file| file.name == named || encoded(&file.name) == named)?;
        Some(self.at(&format!("/attachments/{}", encoded(&file.name))))
    }

    /// The address of a file that was made for who looks.
    fn made(&self, name: &str) -> String {
        self.at(&format!("/input/files/{}", encoded(name)))
    }

    fn hint(body: &str) -> Html {
        markdown::render(body)
    }

    /// The input where it is small enough to stand in the page, and its size.
    fn shown_input(input: &Input) -> (Option<String>, usize) {
        let text = text_of(input);
        let size = text.len();
        ((size <= SHOWN_INPUT).then_some(text), size)
    }

    fn is_solved(&self) -> bool {
        self.challenge.solved_parts.len() >= usize::try_from(self.challenge.parts).unwrap_or(usize::MAX)
    }

    /// The part that an answer goes to unless told otherwise.
    fn open_part(&self) -> i32 {
        (1..=self.challenge.parts).find(|part| !self.challenge.solved_parts.contains(part)).unwrap_or(1)
    }

    fn is_running(&self) -> bool {
        self.campaign.status == Status::Running
    }

    fn may_begin(&self) -> bool {
        self.registered
            && matches!(self.campaign.status, Status::Running | Status::Closed | Status::RewardClaim)
    }

    fn solves(&self) -> String {
        solvers(&self.challenge)
    }

    fn limits(&self) -> String {
        let limit = &self.campaign.settings.rate_limit;
        let lockout = match limit.lockout_seconds {
            0 => String::new(),
            seconds => format!("; a wrong one locks you out for {seconds} s, each further one longer"),
        };
        format!(
            "{} in 5 seconds, {} in 5 minutes{lockout}",
            format::count(limit.per_5s, "answer", "answers"),
            format::number(limit.per_5min)
        )
    }

    fn is_by_points(&self) -> bool {
        self.campaign.settings.scoring_type == campaigns::model::ScoringType::PointBased
    }
}

/// The page, with what was refused on it, if anything.
pub(super) async fn page_of(
    app: &App,
    shell: Shell,
    path: ChallengePath,
    form: Form,
) -> Result<ChallengePage, Problem> {
    let (pool, guild) = (app.pool(), shell.guild_id);
    let drafts = sees_drafts(&shell);
    let within = (guild, path.campaign_id, path.challenge_id);
    let languages = shell.languages.clone();
    let who = Onlooker { admin: drafts, user: shell.member, reader: languages.reader() };
    let (campaign, challenge) = try_join!(
        campaigns::ops::campaign_get(pool, guild, path.campaign_id, drafts).err_into::<Problem>(),
        challenges::ops::challenge_get(pool, within, who).err_into::<Problem>()
    )?;
    let mut page = ChallengePage {
        campaign,
        challenge,
        input: None,
        files: Vec::new(),
        hints: Vec::new(),
        answers: Vec::new(),
        registered: false,
        form,
        shell,
    };
    if let Some(user) = page.shell.member.filter(|_| page.shell.may(CampaignsPlay::NAME)) {
        let few = PageQuery { limit: Some(ANSWERS), cursor: None };
        let registration =
            campaigns::ops::registration_get(pool, guild, path.campaign_id, user).map(optional);
        let of_campaign = (guild, path.campaign_id);
        let challenge = Some(path.challenge_id);
        let play = async {
            try_join!(
                challenges::inputs::input_begun(pool, within, user).map(optional),
                challenges::inputs::input_files(pool, within, user)
                    .map(|files| Ok::<_, Problem>(files.unwrap_or_default())),
                challenges::hints::hint_list(pool, within, user).map(optional)
            )
        };
        let (registration, (input, files, hints), answers) = try_join!(
            registration,
            play,
            challenges::submissions::submission_list(pool, of_campaign, challenge, Whose::Own(user), &few)
                .map(optional)
        )?;
        page.registered = registration.is_some();
        page.input = input.flatten();
        page.files = files;
        page.hints = hints.unwrap_or_default();
        page.answers = answers.map(|answers| answers.items).unwrap_or_default();
    }
    Ok(page)
}

pub(super) async fn show(
    State(app): State<App>,
    visit: Visit<CampaignsRead>,
    Path(path): Path<ChallengePath>,
) -> Result<Page<ChallengePage>, Problem> {
    Ok(Page(Box::pin(page_of(&app, visit.shell, path, Form::new())).await?))
}

/// The page again, because what somebody wanted of the challenge was refused.
pub(super) async fn refuse(
    app: &App,
    shell: Shell,
    path: ChallengePath,
    typed: frame::decode::Typed,
    problem: Problem,
) -> Result<Response, Problem> {
    if !shown_in_form(&problem) {
        return Err(problem);
    }
    let page = Box::pin(page_of(app, shell, path, Form::refused(typed, problem.clone()))).await?;
    Ok(refused(&page, &problem))
}
