//! What all web pages stand in: who looks, the frame, forms, and parts of pages. The pages themselves are in `dashboard`, for members, and
//! in `staff`.
//!
//! Promises:
//! * A page is a document: it can be read, and its forms sent, without script. The script makes times local, counts down, and keeps
//!   what is live alive.
//! * Nothing that somebody wrote becomes markup: text is escaped by its type ([`html::Html`] is what is not text), Markdown is made harmless
//!   ([`markdown`]), and the browser may run nothing but our own script ([`policy`]).
//! * Looking changes nothing: what starts a clock or costs something is a form, sent once however often it is sent ([`forms`](mod@forms)).
//! * Nothing comes from another host: arms are drawn from ids ([`sigil`]), charts are made here ([`chart`]).
//!
//! Map: [`visit`] who looks, [`shell`] the frame, [`nav`] where one may go · [`form`] and [`decode`] forms out and in, [`typed`] what was
//! filled in, [`flash`] what they say afterwards, [`csrf`] · [`forms`](fn@forms) and [`problem_pages`], the layers that the server puts around
//! everything · [`page`] rendering · [`ui`], [`format`](mod@format), [`chart`], [`markdown`], [`sigil`], [`languages`], [`icon`] parts of pages · [`assets`] files ·
//! [`status`] the page of the same name.

// Templates name what they use from here, whichever crate renders them.
extern crate self as frame;

pub mod assets;
pub mod chart;
pub mod csrf;
pub mod days;
pub mod decode;
pub mod flash;
pub mod form;
pub mod format;
pub mod forms;
pub mod html;
pub mod icon;
pub mod languages;
pub mod markdown;
pub mod nav;
pub mod page;
pub mod policy;
mod problems;
pub mod shell;
pub mod sigil;
pub mod status;
pub mod typed;
pub mod ui;
pub mod visit;

pub use forms::forms;
pub use problems::pages as problem_pages;
