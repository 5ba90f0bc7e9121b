//! The plain endpoints that change something: `/logging/toggle`, and `/teardown`. Each is a call of the operator API.

use super::{Page, Query};
use crate::local::api::Host;
use crate::local::operator::Call;
use crate::proto::mesos::v1::{DurationInfo, FrameworkId, agent, master};
use hyper::StatusCode;
use std::time::Duration;

/// How much is to be logged, and for how long; without a query, the question how much is.
pub(crate) fn toggle(host: Host, query: &Query) -> Result<Option<Call>, Page> {
    let bad = |text: String| Page::Text(StatusCode::BAD_REQUEST, text);
    let (level, duration) = match (query.get("level"), query.get("duration")) {
        (None, None) => return Ok(None),
        (None, _) => return Err(bad("Expecting 'level=value' in query.\n".into())),
        (_, None) => return Err(bad("Expecting 'duration=value' in query.\n".into())),
        (Some(level), Some(duration)) => (level, duration),
    };
    let number =
        level.parse::<i64>().map_err(|_| bad(format!("Failed to convert '{level}' to number.\n")))?;
    let level = u32::try_from(number).map_err(|_| bad(format!("Invalid level '{number}'.\n")))?;
    let duration = seconds(&duration).ok_or_else(|| bad(format!("Invalid duration '{duration}'.\n")))?;
    let duration = DurationInfo { nanoseconds: i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX) };
    Ok(Some(match host {
        Host::Master => {
            let mut call = master::Call::default();
            call.set_type(master::call::Type::SetLoggingLevel);
            call.set_logging_level = Some(Box::new(master::call::SetLoggingLevel { level, duration }));
            Call::Master(Box::new(call))
        }
        Host::Agent(_) => {
            let mut call = agent::Call::default();
            call.set_type(agent::call::Type::SetLoggingLevel);
            call.set_logging_level = Some(Box::new(agent::call::SetLoggingLevel { level, duration }));
            Call::Agent(Box::new(call))
        }
    }))
}

/// A time as Mesos writes it: `5secs`, `1.5mins`.
fn seconds(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "secs" => 1.0,
        "mins" => 60.0,
        "hrs" => 3600.0,
        "days" => 86_400.0,
        "weeks" => 604_800.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? * unit).ok()
}

/// The end of a framework, which a form names.
pub(crate) fn teardown(form: &[u8]) -> Result<Call, Page> {
    let id = form_urlencoded::parse(form).find(|(name, _)| name == "frameworkId");
    let Some((_, id)) = id else {
        let text = "Missing 'frameworkId' query parameter in the request body";
        return Err(Page::Text(StatusCode::BAD_REQUEST, text.into()));
    };
    let mut call = master::Call::default();
    call.set_type(master::call::Type::Teardown);
    call.teardown = Some(master::call::Teardown { framework_id: FrameworkId { value: id.into_owned() } });
    Ok(Call::Master(Box::new(call)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(result: Result<T, Page>) -> String {
        match result.err() {
            Some(Page::Text(StatusCode::BAD_REQUEST, text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn toggling() {
        let toggle = |query: &str| toggle(Host::Master, &Query::new(Some(query)));
        assert_eq!(toggle("").unwrap(), None);
        let Ok(Some(Call::Master(call))) = toggle("level=2&duration=1.5mins") else { panic!() };
        let set = call.set_logging_level.unwrap();
        assert_eq!((set.level, set.duration.nanoseconds), (2, 90_000_000_000));
        for (query, words) in [
            ("level=1", "Expecting 'duration=value' in query.\n"),
            ("duration=1secs", "Expecting 'level=value' in query.\n"),
            ("level=x&duration=1secs", "Failed to convert 'x' to number.\n"),
            ("level=-1&duration=1secs", "Invalid level '-1'.\n"),
            ("level=1&duration=5", "Invalid duration '5'.\n"),
            ("level=1&duration=-5secs", "Invalid duration '-5secs'.\n"),
            ("level=1&duration=5fortnights", "Invalid duration '5fortnights'.\n"),
        ] {
            assert_eq!(refused(toggle(query)), words, "{query}");
        }
    }

    #[test]
    fn tearing_down() {
        let Call::Master(call) = teardown(b"x=1&frameworkId=a%20b").unwrap() else { panic!() };
        assert_eq!(call.teardown.unwrap().framework_id.value, "a b");
        let words = "Missing 'frameworkId' query parameter in the request body";
        assert_eq!(refused(teardown(b"{}")), words);
    }
}
