//! The schema: the files in `sql/`, as they are embedded in the binary.
//!
//! A crate of its own that only `cli` depends on, so that an edit of a migration rebuilds these lines and the binary and not
//! the house: everybody else is handed a [`Schema`]. Tests read the files (`db::testing::schema`), and statements are
//! checked against `.sqlx/`.

use db::migrate::Schema;

/// The only copy of the migrations in the binary (sqlx #4318: every further `migrate!` adds them all again).
pub static SCHEMA: Schema = Schema::new(sqlx::migrate!("./sql"));

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_embedded_is_what_tests_work_with() {
        assert_eq!(super::SCHEMA.fingerprint(), db::testing::schema().fingerprint());
    }
}
