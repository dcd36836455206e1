//! What the tree of commands is made of.

use futures::future::BoxFuture;

use super::Answered;
use super::call::Call;
use super::choose::What;
use crate::words::Text;

/// A permission of Discord's that members need by default to see a command; administrators of a guild may choose otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// By all.
    All,
    /// By who may manage the guild.
    Managers,
    /// By who may time members out.
    Moderators,
}

impl Seen {
    pub(crate) const fn bits(self) -> Option<u64> {
        match self {
            Self::All => None,
            Self::Managers => Some(1 << 5),
            Self::Moderators => Some(1 << 40),
        }
    }
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Text,
    /// From so many to so many.
    Number(i64, i64),
    YesNo,
    Member,
    Channel,
}

/// An option.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opt {
    pub(crate) name: &'static str,
    pub(crate) about: Text,
    pub(crate) takes: Takes,
    pub(crate) required: bool,
    /// What there is to choose from while it is typed.
    pub(crate) choose: Option<What>,
}

/// What carries out a command, or handles a button, menu or form.
pub(crate) type Run = fn(Call) -> BoxFuture<'static, Answered>;

/// What can be done: a subcommand, or the only thing that a command does, which has no name of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf {
    pub(crate) name: &'static str,
    pub(crate) about: Text,
    pub(crate) options: &'static [Opt],
    /// Whether only who asked sees the answer.
    pub(crate) private: bool,
    /// The scope that it takes, beyond what every member may do.
    pub(crate) needs: Option<&'static str>,
    pub(crate) run: Run,
}

/// A command.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// What it is called in German.
    pub(crate) name_de: &'static str,
    pub(crate) about: Text,
    pub(crate) seen: Seen,
    pub(crate) leaves: &'static [Leaf],
}

pub(super) const fn text(en: &'static str, de: &'static str) -> Text {
    Text { en, de }
}

pub(super) const fn required(name: &'static str, takes: Takes, en: &'static str, de: &'static str) -> Opt {
    Opt { name, about: text(en, de), takes, required: true, choose: None }
}

pub(super) const fn optional(name: &'static str, takes: Takes, en: &'static str, de: &'static str) -> Opt {
    Opt { required: false, ..required(name, takes, en, de) }
}

pub(super) const fn one_of(name: &'static str, what: What, en: &'static str, de: &'static str) -> Opt {
    Opt { choose: Some(what), ..required(name, Takes::Text, en, de) }
}

macro_rules! leaf {
    ($name:literal, $en:literal, $de:literal, $run:path, [$($option:expr),* $(,)?] $(, $mode:ident)* $(; $needs:literal)?) => {
        $crate::commands::kinds::Leaf {
            name: $name,
            about: $crate::commands::kinds::text($en, $de),
            options: &[$($option),*],
            private: leaf!(@private $($mode)*),
            needs: leaf!(@needs $($needs)?),
            run: |call| Box::pin($run(call)),
        }
    };
    (@private) => { false };
    (@private private) => { true };
    (@needs) => { None };
    (@needs $needs:literal) => { Some($needs) };
}
pub(super) use leaf;
