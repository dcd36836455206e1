//! Pictures of the navigation: strokes of our own, in the colour of the text.

use crate::html::Html;

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say what they show")]
pub enum Icon {
    Home,
    Flag,
    Podium,
    Book,
    Shield,
    Pin,
    Bag,
    Star,
    Sun,
    Person,
    Coin,
    Seal,
    Gear,
    More,
    Tools,
    List,
    Search,
    Tree,
    Scales,
    Bell,
}

impl Icon {
    const fn strokes(self) -> &'static str {
        match self {
            Self::Home => "M4 11l8-7 8 7M6 10v10h12V10M10 20v-6h4v6",
            Self::Flag => "M5 21V4M5 5h12l-2.5 4 2.5 4H5",
            Self::Podium => "M9 20V8h6v12M9 20H3v-7h6M15 20h6v-9h-6M3 20h18",
            Self::Book => "M12 6c-2-1.5-5-2-8-2v14c3 0 6 .5 8 2 2-1.5 5-2 8-2V4c-3 0-6 .5-8 2zM12 6v14",
            Self::Shield => "M4 4h16v9c0 5-4 7-8 8-4-1-8-3-8-8zM12 4v17",
            Self::Pin => "M4 4h16v14h-9l-4 3v-3H4zM8 9h8M8 13h5",
            Self::Bag => "M5 8h14l1 12H4zM9 8V6a3 3 0 0 1 6 0v2",
            Self::Star => "M12 4l2.4 5.2 5.6.6-4.2 3.8 1.2 5.6-5-2.9-5 2.9 1.2-5.600L4 9.800l5.6-.6z",
            Self::Sun => {
                "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2"
            }
            Self::Person => "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c.5-4.5 3.5-6.5 8-6.500s7.5 2 8 6.5",
            Self::Coin => "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8l3 4-3 4-3-4z",
            Self::Seal => "M12 3a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM9 14l-2 7 5-3 5 3-2-7",
            Self::Gear => "M4 7h9M17 7h3M4 12h3M11 12h9M4 17h9M17 17h3M13 5v4M7 10v4M13 15v4",
            Self::More => "M5 12h.1M12 12h.1M19 12h.1",
            Self::Tools => "M14 6a4 4 0 0 0-5 5l-6 6 3 3 6-6a4 4 0 0 0 5-5l-3 2-2-2z",
            Self::Search => "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
            Self::Tree => "M12 4v6M6 20v-5l6-5 6 5v5M12 10v10M4 20h4M10 20h4M16 20h4M10 4h4",
            Self::Scales => "M12 4v16M7 20h10M4 8h16M4 8l-2 6h6l-4-6M20 8l-4 6h6l-2-6",
            Self::Bell => "M6 17h12l-1.5-2.500V10a4.500 4.500 0 0 0-9 0v4.500zM10 20h4M12 3v2.500",
            Self::List => "M8 6h12M8 12h12M8 18h12M4 6h.1M4 12h.1M4 18h.1",
        }
    }

    /// The picture. It says nothing that the word beside it does not.
    pub fn svg(self) -> Html {
        Html::trusted(format!(
            "<svg class=\"icon\" viewBox=\"0 0 24 24\" width=\"20\" height=\"20\" aria-hidden=\"true\"><path d=\"{}\"/></svg>",
            self.strokes()
        ))
    }
}
