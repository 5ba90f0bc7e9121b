//! What follows the question mark of a request.

use std::borrow::Cow;

/// The query of a request, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn new(text: Option<&str>) -> Self {
        Self(text.unwrap_or_default().to_owned())
    }

    /// The value of a name; of several the last.
    pub(super) fn get(&self, name: &str) -> Option<Cow<'_, str>> {
        form_urlencoded::parse(self.0.as_bytes())
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value)
    }

    /// Whether a thing of this id is asked for: any is if there is no such name.
    pub(super) fn selects(&self, name: &str, id: &str) -> bool {
        self.get(name).is_none_or(|wanted| wanted == id)
    }

    /// A number, or nothing if it is none, which Mesos does not mind.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// The function that a script wants to be called.
    pub(crate) fn callback(&self) -> Option<Cow<'_, str>> {
        self.get("jsonp")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values() {
        let query = Query::new(Some("limit=2&path=%2Fa%20b+c&empty=&limit=%2B3&x"));
        assert_eq!(query.get("limit").as_deref(), Some("+3"), "the last");
        assert_eq!(query.get("path").as_deref(), Some("/a b c"));
        assert_eq!(
            (query.number("limit"), query.number("empty"), query.number("offset")),
            (Some(3), None, None)
        );
        assert!(query.selects("task_id", "t") && !query.selects("empty", "t") && query.selects("empty", ""));
        assert_eq!((query.get("empty").as_deref(), query.get("offset")), (Some(""), None));
        assert_eq!(Query::new(None).callback(), None);
    }
}
