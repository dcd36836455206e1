//! Taking something out of use and bringing it back: an item of the shop, an achievement, a skill. Both are the same edit that the form
//! of the thing is, of nothing but `active`.

use super::sheet::{Sheet, button, form, join, says, unseen};
use frame::decode::Typed;
use frame::html::Html;
use frame::ui;

/// What is said of something that can be in use or out of it.
#[derive(Debug)]
pub(super) struct Shelf {
    /// What it is while in use, and while out of it.
    pub(super) states: (&'static str, &'static str),
    /// What taking it out is called, and what that means.
    pub(super) out: (&'static str, &'static str),
    /// What bringing it back is called.
    pub(super) back: &'static str,
    /// What is said once it is out, and once it is back.
    pub(super) said: (&'static str, &'static str),
}

impl Shelf {
    /// Whether it is in use.
    pub(super) fn seal(&self, active: bool) -> Html {
        if active { ui::seal("on", self.states.0) } else { ui::seal("", self.states.1) }
    }

    /// The sheet of the thing with a part, at its end, that takes it out of use or brings it back.
    pub(super) fn put_on(&self, sheet: Sheet, action: &str, active: bool) -> Sheet {
        let edit = |label, class| {
            let to = if active { "false" } else { "true" };
            form(&sheet.shell, action, [unseen("active:bool", to)], [button("shelve", label, class)])
        };
        let (label, body) = if active {
            (self.out.0, join([says(self.out.1), edit(self.out.0, "grave")]))
        } else {
            (self.back, edit(self.back, "primary"))
        };
        sheet.part(label, body)
    }

    /// What is said of a form that was taken: of this one, or of the one with everything else.
    pub(super) fn said(&self, typed: &Typed) -> &'static str {
        match typed.value("active") {
            Some("false") => self.said.0,
            Some(_) => self.said.1,
            None => "It is kept.",
        }
    }

    /// Whether a form is this one.
    pub(super) fn is(typed: &Typed) -> bool {
        typed.value("active").is_some()
    }
}
