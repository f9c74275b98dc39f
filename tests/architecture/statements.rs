//! SQL as a list of statements, each a list of tokens: enough to recognize what a migration does.

/// A token of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A keyword, a name without its quotes, or a number, in lower case.
    Word(String),
    /// Any other character.
    Mark(char),
    /// The content of a string, also of one in dollar quotes.
    Text(String),
}

impl Token {
    /// The word, `'` for a string, or nothing for a mark that is none of `( ) ,`.
    pub fn text(&self) -> &str {
        match self {
            Token::Word(word) => word,
            Token::Mark('(') => "(",
            Token::Mark(')') => ")",
            Token::Mark(',') => ",",
            Token::Mark(_) => "",
            Token::Text(_) => "'",
        }
    }
}

/// The statements of a text, without comments.
pub fn statements(sql: &str) -> Vec<Vec<Token>> {
    let tokens = tokens(sql);
    let statements = tokens.split(|token| *token == Token::Mark(';'));
    let statements = statements.filter(|statement| !statement.is_empty());
    statements.map(<[Token]>::to_vec).collect()
}

/// The tokens of a text, without comments.
pub fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (token, length) = next(rest, first);
        tokens.extend(token);
        rest = rest.get(length..).unwrap_or_default();
    }
    tokens
}

/// The first token, if it is none of white space and comments, and its length.
fn next(rest: &str, first: char) -> (Option<Token>, usize) {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    if rest.starts_with("--") {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (None, comment(rest));
    }
    if first == '\'' || first == '"' {
        let (text, length) = quoted(rest, first);
        let token = if first == '"' {
            Token::Word(text)
        } else {
            Token::Text(text)
        };
        return (Some(token), length);
    }
    if let Some((text, length)) = dollar_quoted(rest) {
        return (Some(Token::Text(text)), length);
    }
    if is_part(first) {
        let length = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
        let word = rest.get(..length).unwrap_or_default().to_lowercase();
        return (Some(Token::Word(word)), length);
    }
    let token = (!first.is_whitespace()).then_some(Token::Mark(first));
    (token, first.len_utf8())
}

/// The length of the comment that this text starts with; comments may be nested.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0_usize);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let step = if rest.starts_with("/*") {
            depth += 1;
            2
        } else if rest.starts_with("*/") {
            depth -= 1;
            2
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// The content and length of the quoted text that this text starts with. A doubled quote stands for one.
fn quoted(text: &str, quote: char) -> (String, usize) {
    let mut content = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter == quote && letters.next_if(|(_, next)| *next == quote).is_none() {
            return (content, at + 1);
        }
        content.push(letter);
    }
    (content, text.len())
}

/// The content and length of the text in dollar quotes that this text starts with, if it does.
fn dollar_quoted(text: &str) -> Option<(String, usize)> {
    let tag = text.strip_prefix('$')?;
    let end = tag.find('$')?;
    let is_tag = |letter: char| letter.is_alphabetic() || letter == '_';
    if !tag.get(..end)?.chars().all(is_tag) {
        return None;
    }
    let tag = text.get(..end + 2)?;
    let body = text.get(tag.len()..)?;
    let length = body.find(tag)?;
    let content = body.get(..length)?.to_owned();
    Some((content, tag.len() * 2 + length))
}

/// The name at the start, after `if [not] exists` and `only`.
pub fn name<'a>(words: &[&'a str]) -> &'a str {
    let words = words.iter().copied();
    let mut words = words.skip_while(|word| ["if", "not", "exists", "only"].contains(word));
    words.next().unwrap_or_default()
}

/// Whether the words follow each other somewhere.
pub fn has(words: &[&str], sought: &[&str]) -> bool {
    words.windows(sought.len()).any(|found| found == sought)
}

/// The word after this one.
pub fn after<'a>(words: &[&'a str], word: &str) -> &'a str {
    let mut words = words.iter().copied();
    words.find(|found| *found == word);
    words.next().unwrap_or_default()
}

/// A statement's parts between commas that are in no parentheses.
pub fn parts<'a>(words: &[&'a str]) -> Vec<Vec<&'a str>> {
    let (mut parts, mut depth) = (vec![Vec::new()], 0_usize);
    for word in words {
        match *word {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => parts.push(Vec::new()),
            _ => {}
        }
        if let Some(part) = parts.last_mut()
            && (*word != "," || depth > 0)
        {
            part.push(*word);
        }
    }
    parts
}

#[test]
fn comments_strings_and_bodies_are_recognized() {
    let texts = |sql: &str| -> Vec<String> {
        let tokens = tokens(sql);
        let text = |token: &Token| match token {
            Token::Word(word) => word.clone(),
            Token::Mark(mark) => mark.to_string(),
            Token::Text(text) => format!("'{text}"),
        };
        tokens.iter().map(text).collect()
    };
    for (sql, expected) in [
        ("Select 1 -- x;\n;", &["select", "1", ";"][..]),
        ("/* a /* b */ ; */ \"A b\"", &["A b"]),
        ("'it''s; --' x", &["'it's; --", "x"]),
        ("$$ a; $$ $x$ b $$ $x$ $1", &["' a; ", "' b $$ ", "$", "1"]),
        ("a.b(c)", &["a", ".", "b", "(", "c", ")"]),
        ("'open", &["'open"]),
    ] {
        assert_eq!(texts(sql), expected, "{sql}");
    }
    assert_eq!(statements("a; ; b 'c;d';").len(), 2);
}
