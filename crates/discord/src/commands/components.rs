//! What buttons, menus and forms lead to.

use super::kinds::Run;
use super::{appeals, bytes, campaign, hand_in, learn, member, peers, programs};

/// What handles buttons, menus and forms, by the name that they carry.
pub(crate) static COMPONENTS: &[(&str, Run)] = &[
    ("campaign.answer", |call| Box::pin(campaign::answered(call))),
    ("campaign.hint", |call| Box::pin(campaign::hint_bought(call))),
    ("campaign.board", |call| Box::pin(campaign::board_again(call))),
    ("learn.step", |call| Box::pin(learn::step_done(call))),
    ("learn.quiz", |call| Box::pin(learn::quiz_opened(call))),
    ("learn.hand-in", |call| Box::pin(hand_in::handed_in(call))),
    ("learn.program", |call| Box::pin(programs::handed_in(call))),
    ("learn.review", |call| Box::pin(peers::written(call))),
    ("learn.decline", |call| Box::pin(peers::declined(call))),
    ("review.judge", |call| Box::pin(hand_in::judged(call))),
    ("review.leave", |call| Box::pin(hand_in::left(call))),
    ("appeal.statement", |call| Box::pin(appeals::filed(call))),
    ("learn.answers", |call| Box::pin(learn::quiz_answered(call))),
    ("privacy.erase", |call| Box::pin(member::erased(call))),
    ("bytes.page", |call| Box::pin(bytes::page(call))),
    ("xp.page", |call| Box::pin(member::page(call))),
];
