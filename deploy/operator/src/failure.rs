//! Why a command failed, in the operator's words, and what to do about it.

use anyhow::Error;
use reqwest::Url;
use store::failure::Failure;

use crate::config;

/// Where a command connects, without the password.
#[derive(Debug, Default)]
pub struct Address {
    login: Option<String>,
    host: Option<String>,
    database: Option<String>,
}

impl Address {
    /// The parts of a database's URL.
    pub fn of(url: &str) -> Self {
        let Ok(parsed) = Url::parse(url) else {
            return Self::default();
        };
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Self {
            login: some(parsed.username()),
            host: Some(config::host(url)),
            database: some(parsed.path().trim_start_matches('/')),
        }
    }
}

/// What to print about an error.
pub fn text(error: &Error) -> String {
    let failure = error.chain().find_map(Failure::of);
    match failure {
        Some(failure) => explained(&failure, &Address::default()),
        None => format!("{error:#}"),
    }
}

/// A failure of the database, with what to do.
pub fn explained(failure: &Failure, address: &Address) -> String {
    let at = match &address.host {
        Some(host) => format!(" at {host}"),
        None => String::new(),
    };
    let login = match &address.login {
        Some(login) => format!("the login {login}"),
        None => "the login".to_owned(),
    };
    match failure {
        Failure::Unreachable(why) => format!(
            "cannot reach the database{at}: {why}. Is Postgres running, and DATABASE_URL right? \
             In a checkout, `make up` starts it."
        ),
        Failure::LoginRefused => format!(
            "the database{at} refused {login}: it does not exist, or its password is wrong. \
             Check DATABASE_URL; `sluice operator add` makes a login."
        ),
        Failure::NotAMember => format!(
            "{login} is not an operator's. Use one that `sluice operator add` made, or sluice_operator."
        ),
        Failure::DatabaseMissing => format!(
            "there is no database {}{at}. Check DATABASE_URL, or create it and run `sluice migrate`.",
            address.database.as_deref().unwrap_or("of this name")
        ),
        Failure::NotPermitted(what) => format!(
            "{what}. `sluice migrate` and `sluice operator` need the login of the tables' owner, the \
             other commands an operator's."
        ),
        Failure::SchemaDiffers(_) => {
            "the database has the schema of another version. Run `sluice migrate` of this version, or \
             use the `sluice` of the version that runs."
                .to_owned()
        }
        Failure::UrlInvalid => {
            "the database's URL cannot be read. Expected postgres://LOGIN:PASSWORD@HOST:PORT/DATABASE."
                .to_owned()
        }
        Failure::Refused(why) => format!("the database refused the command: {why}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_password() {
        let address = Address::of("postgres://ada:secret@db.example:5433/sluice");
        let shown = explained(&Failure::LoginRefused, &address);
        assert!(shown.contains("ada") && shown.contains("db.example:5433"));
        assert!(!shown.contains("secret"), "{shown}");
        let missing = explained(&Failure::DatabaseMissing, &address);
        assert!(missing.contains("database sluice at"), "{missing}");
    }

    #[test]
    fn a_failure_deep_inside_is_explained() {
        let error = Error::from(store::Error::LeftOut).context("reading jobs");
        assert_eq!(
            text(&error),
            "reading jobs: the statement returned nothing for a row"
        );
    }
}
