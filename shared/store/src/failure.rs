//! Why the database did not do something, in words for logs and operators: never a driver's own text.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use sqlx::Error as Sqlx;
use sqlx::migrate::MigrateError;

/// Why the database did not do something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or it broke: for this reason.
    Unreachable(String),
    /// The login does not exist, its password is wrong, or it may not log in.
    LoginRefused,
    /// The login is not a member of the role that it must take on.
    NotAMember,
    /// The server has no database of this name.
    DatabaseMissing,
    /// The role lacks a right: which.
    NotPermitted(String),
    /// The schema is of another version: this is missing.
    SchemaDiffers(String),
    /// The URL of the database cannot be read.
    UrlInvalid,
    /// The server refused the statement, for this reason.
    Refused(String),
}

impl Failure {
    /// The failure behind an error, if the database caused it.
    pub fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(error) = error.downcast_ref::<Sqlx>() {
                return Some(Self::of_sqlx(error));
            }
            match error.downcast_ref::<MigrateError>() {
                Some(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
                    return Some(Self::of_sqlx(error));
                }
                _ => next = error.source(),
            }
        }
        None
    }

    pub(crate) fn of_sqlx(error: &Sqlx) -> Self {
        match error {
            Sqlx::Database(refused) => {
                let code = refused.code().unwrap_or_default();
                Self::of_code(&code, refused.message(), refused.constraint())
            }
            Sqlx::PoolTimedOut => Failure::Unreachable("no connection in time".to_owned()),
            Sqlx::PoolClosed => Failure::Unreachable("shutting down".to_owned()),
            Sqlx::Io(error) => Failure::Unreachable(io_words(error)),
            Sqlx::Tls(_) => Failure::Unreachable("no TLS connection".to_owned()),
            Sqlx::Configuration(_) => Failure::UrlInvalid,
            Sqlx::ColumnDecode { .. } | Sqlx::ColumnNotFound(_) | Sqlx::TypeNotFound { .. } => {
                Failure::SchemaDiffers(error.to_string())
            }
            other => Failure::Refused(other.to_string()),
        }
    }

    /// The failure of an SQLSTATE.
    fn of_code(code: &str, message: &str, constraint: Option<&str>) -> Self {
        match (code, constraint) {
            ("28P01" | "28000", _) => Failure::LoginRefused,
            ("3D000", _) => Failure::DatabaseMissing,
            // Logging in takes on the role.
            ("42501", _) if message.contains("set role") => Failure::NotAMember,
            ("42501", _) => Failure::NotPermitted(message.to_owned()),
            ("42P01" | "42703" | "42883" | "22023", None) => {
                Failure::SchemaDiffers(message.to_owned())
            }
            ("57P01" | "57P02" | "57P03", _) => {
                Failure::Unreachable("the server is shutting down or starting".to_owned())
            }
            ("53300", _) => Failure::Unreachable("too many connections".to_owned()),
            (_, Some(constraint)) => Failure::Refused(format!("it violates {constraint}")),
            _ => Failure::Refused(message.to_owned()),
        }
    }
}

fn io_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => "the connection broke".to_owned(),
        io::ErrorKind::TimedOut => "no response in time".to_owned(),
        _ => error.to_string(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Unreachable(why) => write!(f, "the database is unreachable: {why}"),
            Failure::LoginRefused => f.write_str("the database refused the login"),
            Failure::NotAMember => f.write_str("the login lacks the role"),
            Failure::DatabaseMissing => f.write_str("the database does not exist"),
            Failure::NotPermitted(what) => f.write_str(what),
            Failure::SchemaDiffers(what) => write!(f, "the schema is of another version: {what}"),
            Failure::UrlInvalid => f.write_str("the database's URL cannot be read"),
            Failure::Refused(why) => write!(f, "the database refused a statement: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str, message: &str) -> Failure {
        Failure::of_code(code, message, None)
    }

    #[test]
    fn codes_name_what_an_operator_can_fix() {
        assert_eq!(found("28P01", "password"), Failure::LoginRefused);
        assert_eq!(found("3D000", "database"), Failure::DatabaseMissing);
        let relation = "relation \"jobs\" does not exist";
        let differs = Failure::SchemaDiffers(relation.to_owned());
        assert_eq!(found("42P01", relation), differs);
        let member = "permission denied to set role \"sluice_operator\"";
        assert_eq!(found("42501", member), Failure::NotAMember);
        let table = "permission denied for table jobs";
        assert_eq!(
            found("42501", table),
            Failure::NotPermitted(table.to_owned())
        );
        let constraint = Failure::of_code("23514", "new row for relation", Some("poison"));
        assert_eq!(
            constraint.to_string(),
            "the database refused a statement: it violates poison"
        );
    }

    #[test]
    fn the_driver_has_no_say() {
        let wrapped = crate::Error::from(Sqlx::PoolTimedOut);
        let expected = Failure::Unreachable("no connection in time".to_owned());
        assert_eq!(Failure::of(&wrapped), Some(expected.clone()));
        assert_eq!(wrapped.to_string(), expected.to_string());
        let password = crate::PasswordError::from(Sqlx::PoolTimedOut);
        assert_eq!(Failure::of(&password), Some(expected.clone()));
        let migrate = MigrateError::Execute(Sqlx::PoolTimedOut);
        assert_eq!(Failure::of(&migrate), Some(expected));
        assert_eq!(Failure::of(&crate::Error::LeftOut), None);
    }
}
