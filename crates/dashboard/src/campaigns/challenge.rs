//! A challenge: its text, one's input, the answer, what was answered before, hints with their price.

use access::scope::{CampaignsPlay, CampaignsRead, Scope as _};
use access::{App, Path};
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use challenges::catalogue::Challenge;
use challenges::hints::Hint;
use challenges::inputs::{Input, MadeFile};
use challenges::model::CampaignFacts;
use challenges::ops::{Onlooker, Own, Play};
use challenges::rules::Scoring;
use challenges::submissions::PastSubmission;
use frame::form::Form;
use frame::html::Html;
use frame::markdown::OwnFile;
use frame::page::{Page, refused, shown_in_form};
use frame::shell::Shell;
use frame::visit::Visit;
use frame::{format, languages, markdown, ui};
use kernel::Problem;
use kernel::files::encoded;
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
    campaign: CampaignFacts,
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

    /// An attachment that the text names.
    fn file(&self, named: &str) -> Option<OwnFile> {
        let named = named.strip_prefix("./").unwrap_or(named);
        let named = named.strip_prefix("attachments/").unwrap_or(named);
        let file = self
            .challenge
            .attachments
            .iter()
            .find(|file| file.name == named || encoded(&file.name) == named)?;
        let address = self.at(&format!("/attachments/{}", encoded(&file.name)));
        Some(OwnFile { address, size: file.picture })
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
        self.campaign.is_running()
    }

    fn may_begin(&self) -> bool {
        self.registered && (self.is_running() || self.campaign.is_over() && self.campaign.status != "EXPIRED")
    }

    fn solves(&self) -> String {
        solvers(&self.challenge)
    }

    fn limits(&self) -> String {
        let limit = &self.campaign.limits;
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
        self.campaign.scoring == Scoring::PointBased
    }
}

/// The page, with what was refused on it, if anything.
pub(super) async fn page_of(
    app: &App,
    shell: Shell,
    path: ChallengePath,
    form: Form,
) -> Result<ChallengePage, Problem> {
    let within = (shell.guild_id, path.campaign_id, path.challenge_id);
    let languages = shell.languages.clone();
    let who = Onlooker { admin: sees_drafts(&shell), user: shell.member, reader: languages.reader() };
    let answers = shell.may(CampaignsPlay::NAME).then_some(ANSWERS);
    let Play { campaign, challenge, own } =
        challenges::ops::challenge_play(app.pool(), within, who, answers).await?;
    let Own { registered, input, files, hints, answers } = own;
    Ok(ChallengePage { shell, campaign, challenge, input, files, hints, answers, registered, form })
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
