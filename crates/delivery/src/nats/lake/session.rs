//! Messages of one connection: asked for, taken together, acknowledged, given back, or put among the dead letters.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{AckKind, Context, Message, context};
use futures::{FutureExt as _, StreamExt as _};
use lake::ingest::{Event, IngestError, Outcome};

use crate::nats::Trouble;
use crate::settings::LakeSource;

/// Bytes of messages that are taken together, about.
const TOGETHER: usize = 2 << 20;
/// For how long a message is given back: the first time, and the longest.
const DELAYS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// For how long a node that leaves gives messages back: until it is gone, so that it does not get them again; and how often it
/// looks for more of them.
const LEAVING: Duration = Duration::from_millis(250);
const GIVE_BACK: usize = 3;
/// Of what is wrong with a message so much is told.
const REASONS: usize = 5;
const REASON_LENGTH: usize = 1000;
/// Room that a dead letter's headers take.
pub(super) const HEADERS: usize = 8192;

/// The stream of messages that are asked for.
pub(super) struct Session {
    pub(super) context: Context,
    pub(super) client: Client,
    pub(super) consumer: PullConsumer,
    pub(super) messages: pull::Stream,
}

/// A message of a guild.
pub(super) struct Part {
    pub(super) message: Message,
    /// The good events' places in the message.
    pub(super) places: Vec<usize>,
    /// Until they are submitted.
    pub(super) events: Vec<Event>,
    /// What is wrong with the others.
    pub(super) faults: Vec<String>,
}

impl Session {
    /// The message, and what came with it.
    pub(super) fn gather(&mut self, first: Message, most: usize) -> Vec<Message> {
        let mut bytes = first.payload.len();
        let mut together = vec![first];
        while together.len() < most && bytes < TOGETHER {
            // What is not there yet, or went wrong, is seen the next time.
            let Some(Some(Ok(message))) = self.messages.next().now_or_never() else { break };
            bytes += message.payload.len();
            together.push(message);
        }
        together
    }

    /// Gives what was asked for and not begun to other nodes. What comes too late for that they get after the consumer's `ack_wait`.
    pub(super) async fn give_back(&mut self) -> Result<(), Trouble> {
        for _ in 0..GIVE_BACK {
            let mut given = 0;
            while let Some(Some(Ok(message))) = self.messages.next().now_or_never() {
                message.ack_with(AckKind::Nak(Some(LEAVING))).await?;
                given += 1;
            }
            // Its answer comes behind the messages that were on their way, and says that our acknowledgements have arrived.
            self.consumer.info().await?;
            if given == 0 {
                break;
            }
        }
        Ok(())
    }

    /// Acknowledges a message of which these became of its events, or sees to it that nobody gets it again.
    pub(super) async fn acknowledge(
        &self,
        lake: &LakeSource,
        part: Part,
        outcomes: &mut impl Iterator<Item = Outcome>,
    ) -> Result<(), Trouble> {
        let Part { message, places, mut faults, .. } = part;
        note(&message);
        let mut good = places.len();
        for (place, outcome) in places.into_iter().zip(outcomes) {
            if let Outcome::Refused(fault) = outcome {
                good -= 1;
                faults.push(format!("events[{place}]: {fault}"));
            }
        }
        if faults.is_empty() {
            count("taken");
            return message.ack().await;
        }
        if good == 0 {
            return self.forget(lake, &message, &faults).await;
        }
        match self.bury(lake, &message, &faults).await {
            Ok(()) => {
                count("partly");
                message.ack().await
            }
            Err(error) => self.unburied(&message, &error).await,
        }
    }

    /// Writes down why nothing of the message can be taken, and has it forgotten.
    pub(super) async fn forget(
        &self,
        lake: &LakeSource,
        message: &Message,
        reasons: &[String],
    ) -> Result<(), Trouble> {
        match self.bury(lake, message, reasons).await {
            Ok(()) => {
                count("refused");
                message.ack_with(AckKind::Term).await
            }
            Err(error) => self.unburied(message, &error).await,
        }
    }

    /// It comes again: nothing is forgotten whose reason is not kept.
    async fn unburied(&self, message: &Message, error: &context::PublishError) -> Result<(), Trouble> {
        tracing::warn!(%error, subject = %message.subject, "a dead letter could not be put away");
        count("retried");
        message.ack_with(AckKind::Nak(Some(delay(message)))).await
    }

    /// Logs what is wrong with a message, without its words, and puts it among the dead letters.
    async fn bury(
        &self,
        lake: &LakeSource,
        message: &Message,
        reasons: &[String],
    ) -> Result<(), context::PublishError> {
        let sequence = message.info().map(|info| info.stream_sequence).unwrap_or_default();
        let reason = told(reasons.iter().map(|reason| wordless(reason)));
        tracing::warn!(subject = %message.subject, sequence, reason, "a message from NATS cannot be taken whole");
        let Some(subject) = &lake.dead_letters else { return Ok(()) };
        let room = self.client.server_info().max_payload.saturating_sub(HEADERS);
        let stream = lake.stream.as_deref().unwrap_or_default();
        let mut letter = PublishMessage::build()
            // A message that comes again is put away once.
            .message_id(format!("{stream}-{sequence}"))
            .header("Questhall-Reason", told(reasons.iter().map(String::as_str)))
            .header("Questhall-Subject", message.subject.as_str())
            .header("Questhall-Stream", stream)
            .header("Questhall-Sequence", sequence.to_string());
        // What is too large with its headers is found by its number.
        if message.payload.len() <= room {
            letter = letter.payload(message.payload.clone());
        }
        self.context.send_publish(subject.clone(), letter).await?.await?;
        metrics::counter!("questhall_nats_lake_dead_letters_total").increment(1);
        Ok(())
    }
}

/// Gives a message back for a while; at once when this node stops.
pub(super) async fn give_back(message: &Message, error: IngestError) -> Result<(), Trouble> {
    count("retried");
    let delay = (error != IngestError::Stopping).then(|| delay(message));
    message.ack_with(AckKind::Nak(delay)).await
}

/// How long to leave a message alone that came so often.
fn delay(message: &Message) -> Duration {
    let times = message.info().map_or(1, |info| info.delivered).clamp(1, 10);
    let doubled = 1u32 << u32::try_from(times - 1).unwrap_or(0);
    (DELAYS.0 * doubled).min(DELAYS.1)
}

/// The first reasons, on one line.
fn told<T: AsRef<str>>(reasons: impl ExactSizeIterator<Item = T>) -> String {
    let more = reasons.len().saturating_sub(REASONS);
    let mut text = String::new();
    for reason in reasons.take(REASONS) {
        let between = if text.is_empty() { "" } else { "; " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{between}{}", reason.as_ref());
    }
    if more > 0 {
        let _ = write!(text, "; and {more} more");
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_LENGTH).collect()
}

/// A reason without what it quotes of the message, which may be somebody's words.
fn wordless(reason: &str) -> Cow<'_, str> {
    match (reason.find('"'), reason.rfind('"')) {
        (Some(first), Some(last)) if first < last => {
            format!("{}…{}", &reason[..=first], &reason[last..]).into()
        }
        _ => reason.into(),
    }
}

/// How the message came, and how many wait behind it.
fn note(message: &Message) {
    let Ok(info) = message.info() else { return };
    if info.delivered > 1 {
        metrics::counter!("questhall_nats_lake_redelivered_total").increment(1);
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure")]
    metrics::gauge!("questhall_nats_lake_pending").set(info.pending as f64);
}

fn count(result: &'static str) {
    metrics::counter!("questhall_nats_lake_messages_total", "result" => result).increment(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_on_a_line_and_the_log_has_no_words_of_the_message() {
        let reasons: Vec<String> = (0..7).map(|n| format!("events[{n}]: `x`\nis wrong")).collect();
        let text = told(reasons.iter());
        assert!(
            text.starts_with("events[0]: `x` is wrong; events[1]") && text.ends_with("; and 2 more"),
            "{text}"
        );
        assert!(told([&"y".repeat(5000)].iter()).len() <= REASON_LENGTH);
        assert_eq!(
            wordless(r#"`user_id` is wrong: invalid type: string "what \"I\" said", expected an id"#),
            r#"`user_id` is wrong: invalid type: string "…", expected an id"#
        );
        assert_eq!(wordless("the body is not UTF-8"), "the body is not UTF-8");
        assert_eq!(wordless("a lone \" stays"), "a lone \" stays");
    }
}
