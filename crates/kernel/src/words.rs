//! Enums that are words: in the database, in JSON, in settings and at the terminal.

/// A text that is none of an enum's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {}", .0.join(", "))]
pub struct UnknownWord(pub &'static [&'static str]);

/// Declares an enum whose values are words (`TEXT` with a constraint): its documentation, its name, and each value's word. The caller's
/// crate has `serde`, `sqlx` and `utoipa`.
///
/// It is written with [`Display`](std::fmt::Display) and `as_str`, read with [`FromStr`](std::str::FromStr); a statement reads it as
/// `column AS "column: Name"`, or with `from_column` from a row that holds the text. Where the column is of an enum of PostgreSQL's
/// own, its type stands before: `decl_words! { in "learning.path_type"; … }`.
#[macro_export]
macro_rules! decl_words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$of:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        $crate::decl_words! { in "text"; $(#[$meta])* $vis enum $name { $($(#[$of])* $variant = $word),+ } }
    };
    (in $sql:tt; $(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$of:meta])* $variant:ident = $word:tt),+ $(,)? }) => {
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize, ::sqlx::Type,
            ::utoipa::ToSchema,
        )]
        #[sqlx(type_name = $sql)]
        $(#[$meta])*
        $vis enum $name {
            $($(#[$of])* #[serde(rename = $word)] #[sqlx(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// From a column, which a constraint keeps to these words.
            pub fn from_column(text: &str) -> ::std::result::Result<Self, ::sqlx::Error> {
                text.parse().map_err(|error: $crate::words::UnknownWord| ::sqlx::Error::Decode(::std::format!("`{text}` {error}").into()))
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;
            fn from_str(text: &str) -> ::std::result::Result<Self, $crate::words::UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::words::UnknownWord(&[$($word),+])),
                }
            }
        }
    };
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "other crates declare what they show")]
mod tests {
    crate::decl_words! {
        /// An answer.
        pub enum Answer {
            /// It is so.
            Yes = "yes",
            /// Who knows.
            NotSure = "NOT_SURE",
        }
    }

    #[test]
    fn a_word_is_the_same_everywhere() {
        for answer in Answer::ALL {
            let word = answer.as_str();
            assert_eq!(word.parse::<Answer>().unwrap(), answer);
            assert_eq!(Answer::from_column(word).unwrap(), answer);
            assert_eq!(serde_json::to_value(answer).unwrap(), word);
            assert_eq!(serde_json::from_value::<Answer>(word.into()).unwrap(), answer);
            assert_eq!(answer.to_string(), word);
        }
        assert_eq!("YES".parse::<Answer>().unwrap_err().to_string(), "must be one of yes, NOT_SURE");
        assert!(Answer::from_column("no").unwrap_err().to_string().contains("`no` must be one of"));
    }
}
