//! `/learn review`: reviews that learners write of each other's work, by forms.

use assessment::ids::ReviewId;
use assessment::model::peer::{NewReview, ReviewTask, Reviewed};
use assessment::ops::{assessment_list, review_decline, review_submit, reviews_owed};
use kernel::Problem;
use learning::ids::{AssessmentId, QuestId};
use learning::model::assessment::AssessmentType;

use super::Answered;
use super::call::Call;
use super::choose::{What, id};
use super::hand_in::{CRITERIA, criterion_label, work_shown};
use crate::interactions::custom_id::{long, short};
use crate::interactions::reply::{Reply, button, field};
use crate::words::{Lang, cut, plain, say, when};

/// Something to review: of the quest that is named, else of one where they owe a review.
pub(crate) async fn review(call: Call) -> Answered {
    let (quest, assessment) = if call.text("quest").is_some() {
        let quest: QuestId = id(&call, "quest", What::Quest, "quest").await?;
        let among_peers = peers_of(&call, quest).await?.into_iter().next().ok_or_else(|| {
            Problem::conflict(say!(
                call.lang,
                "Learners do not review each other in this quest.",
                "In dieser Quest bewerten Lernende einander nicht."
            ))
        })?;
        (quest, among_peers)
    } else {
        let owed = reviews_owed(call.pool(), call.guild, call.user).await?;
        let one = owed.into_iter().next().ok_or_else(|| {
            Problem::conflict(say!(
                call.lang,
                "You owe no review. Name a quest to write one all the same.",
                "Du schuldest keine Bewertung. Nenne eine Quest, um trotzdem eine zu schreiben."
            ))
        })?;
        (one.quest_id, one.assessment_id)
    };
    let desk = &call.bot.faculties().reviews;
    let given = desk.request(call.guild, call.user, quest, assessment).await?;
    let Some(task) = given.review else {
        let text = say!(call.lang, "There is nothing to review now.", "Jetzt gibt es nichts zu bewerten.");
        return Ok(Reply::text(text + &still_owed(call.lang, Reviewed { reviews_owed: given.reviews_owed })));
    };
    Ok(shown(&call, quest, &task))
}

/// The assessments of a quest where learners review each other.
async fn peers_of(call: &Call, quest: QuestId) -> Result<Vec<AssessmentId>, Problem> {
    let all = assessment_list(call.pool(), call.guild, call.user, quest).await?;
    Ok(all.into_iter().filter(|one| one.kind == AssessmentType::PeerReview).map(|one| one.id).collect())
}

fn shown(call: &Call, quest: QuestId, task: &ReviewTask) -> Reply {
    let until = when(task.due_at);
    let mut text = say!(
        call.lang,
        "**Somebody's work**, to be reviewed; ends {until}\n{}",
        "**Die Arbeit von jemandem**, zu bewerten; endet {until}\n{}",
        cut(&task.description, 300)
    );
    for one in &task.rubric {
        let (about, most) = (plain(&cut(&one.text, 120)), one.points);
        text.push_str(&say!(call.lang, "\n- {about} (0 to {most})", "\n- {about} (0 bis {most})"));
    }
    let reply = work_shown(&mut text, &task.work);
    let (quest, review) = (short(quest.get()), short(task.id.get()));
    let mut row = Vec::new();
    if task.rubric.len() > CRITERIA {
        text.push_str(&say!(
            call.lang,
            "\n(What is to be looked at is too much for a form: review it by the API.)",
            "\n(Was anzusehen ist, ist zu viel für ein Formular: über die API bewerten.)"
        ));
    } else {
        let label = say!(call.lang, "Write the review", "Bewertung schreiben");
        row.push(button(&call.mine("learn.review", &[&quest, &review]), &label));
    }
    let decline = say!(call.lang, "Decline", "Ablehnen");
    row.push(button(&call.mine("learn.decline", &[&quest, &review]), &decline));
    Reply { content: text, ..reply }.row(row)
}

fn quest_and_review(call: &Call) -> Result<(QuestId, ReviewId), Problem> {
    let gone = || Problem::not_found("review");
    let quest = long(call.arg(0)?).map(QuestId::new).ok_or_else(gone)?;
    Ok((quest, long(call.arg(1)?).map(ReviewId::new).ok_or_else(gone)?))
}

/// What is to be reviewed, as long as it is this learner's: they are told again what they are at. Were it taken back, they would be at another.
async fn still(call: &Call, quest: QuestId, review: ReviewId) -> Result<ReviewTask, Problem> {
    for assessment in peers_of(call, quest).await? {
        let desk = &call.bot.faculties().reviews;
        let given = desk.request(call.guild, call.user, quest, assessment).await?;
        if let Some(task) = given.review.filter(|task| task.id == review) {
            return Ok(task);
        }
    }
    Err(Problem::conflict(say!(
        call.lang,
        "This review is no longer yours to write: use /learn review.",
        "Diese Bewertung ist nicht mehr deine: nutze /lernen review."
    )))
}

/// A review: its form, or what was written in it.
pub(crate) async fn written(call: Call) -> Answered {
    let (quest, review) = quest_and_review(&call)?;
    let task = still(&call, quest, review).await?;
    if call.fields.is_empty() {
        let criteria = task.rubric.iter().enumerate();
        let mut fields: Vec<_> = criteria
            .map(|(n, one)| {
                field(&format!("c{n}"), &criterion_label(call.lang, &one.text, one.points), false, 4)
            })
            .collect();
        let told = say!(call.lang, "What the author is told", "Was der Person gesagt wird");
        fields.push(field("feedback", &told, true, 4_000));
        let title = say!(call.lang, "Your review", "Deine Bewertung");
        return Ok(Reply::form(&call.mine("learn.review", &[call.arg(0)?, call.arg(1)?]), &title, fields));
    }
    let given =
        |name: &str| call.fields.get(name).and_then(|values| values.first()).cloned().unwrap_or_default();
    let mut new = NewReview { feedback: given("feedback"), ..NewReview::default() };
    for (n, one) in task.rubric.iter().enumerate() {
        let points = given(&format!("c{n}"))
            .trim()
            .parse()
            .map_err(|_| Problem::field(format!("c{n}"), "must be a whole number"))?;
        new.scores.insert(one.slug.clone(), points);
    }
    let done = review_submit(call.pool(), call.guild, call.user, review, &new).await?;
    call.committed();
    let thanks =
        say!(call.lang, "Thank you: your review is written.", "Danke: die Bewertung ist geschrieben.");
    Ok(Reply::text(thanks + &still_owed(call.lang, done)))
}

/// A review is left to somebody else.
pub(crate) async fn declined(call: Call) -> Answered {
    let (_, review) = quest_and_review(&call)?;
    let done = review_decline(call.pool(), call.guild, call.user, review).await?;
    call.committed();
    let text = say!(call.lang, "It goes to somebody else.", "Sie geht an jemand anderen.");
    Ok(Reply::text(text + &still_owed(call.lang, done)).instead())
}

fn still_owed(lang: Lang, done: Reviewed) -> String {
    match done.reviews_owed {
        0 => String::new(),
        owed => say!(lang, " You still owe {owed}.", " Du schuldest noch {owed}."),
    }
}
