//! Why a line of an extract could not be used, without its values.

/// What is wrong with a line. Pages say it in their own words, the command in these.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Longer than any line may be.
    #[error("is longer than any line may be")]
    Long,
    /// A quote is not closed.
    #[error("a quote is not closed on its line")]
    Quote,
    /// A carriage return parts it: more would stand in it than one line.
    #[error("holds a line end that no line feed follows")]
    LineEnd,
    /// Another number of columns than the header has.
    #[error("has {found} columns, the header has {wanted}")]
    Columns {
        /// Of the line.
        found: usize,
        /// Of the header.
        wanted: usize,
    },
    /// Not UTF-8.
    #[error("is not UTF-8")]
    Encoding,
    /// The same pupil stands on an earlier line.
    #[error("the pupil stands on line {earlier} already")]
    PupilTwice {
        /// That line.
        earlier: u64,
    },
    /// The same school or provider stands on an earlier line.
    #[error("the code stands on line {earlier} already")]
    CodeTwice {
        /// That line.
        earlier: u64,
    },
    /// No code of a pupil.
    #[error("register_code is not ten digits")]
    RegisterCode,
    /// Nothing where something must be.
    #[error("{column} is empty")]
    Empty {
        /// The column.
        column: &'static str,
    },
    /// No name.
    #[error("{column} is longer than a name, or holds control characters")]
    Name {
        /// The column.
        column: &'static str,
    },
    /// No number of one byte.
    #[error("{column} is not a number from 0 to 255")]
    Number {
        /// The column.
        column: &'static str,
    },
    /// No place.
    #[error("place is not a place (LT-01 to LT-60, or two letters of a country)")]
    Place,
    /// No instant.
    #[error("at is not an instant such as 2027-01-18T04:07:00Z")]
    Instant,
    /// No code of a legal entity.
    #[error("{column} is not a legal entity code")]
    LegalCode {
        /// The column.
        column: &'static str,
    },
    /// No number of a certificate of individual activity.
    #[error("provider_code is not a certificate number")]
    Certificate,
    /// No name of a class.
    #[error("{column} is no name of a class")]
    Class {
        /// The column.
        column: &'static str,
    },
    /// No grade.
    #[error("grade is not a number from 1 to 12")]
    Grade,
    /// A school that is not here.
    #[error("school_code is no school of the registry")]
    School,
    /// A branch that the school does not have.
    #[error("branch is none of the school's {branches}")]
    Branch {
        /// How many it has.
        branches: u8,
    },
    /// A word that the column does not know.
    #[error("{column} is not {words}")]
    Word {
        /// The column.
        column: &'static str,
        /// Those that it knows.
        words: &'static str,
    },
    /// A pupil who cannot move or leave.
    #[error("the pupil is not enrolled")]
    NotEnrolled,
}
