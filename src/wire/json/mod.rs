//! JSON as Mesos speaks it, straight from and to the wire: no tree, no objects in between. Text is one form of it;
//! serde reads and writes others in the same way, such as Python's dicts.
//!
//! The dialect is that of Mesos' own library, which is not protobuf's JSON mapping:
//! * Fields have the names of the .proto files. 64-bit integers are numbers, `bytes` are base64, enums names,
//!   maps objects. A double always shows that it is one: `4.0`. What is not finite is text: `"Infinity"`.
//! * Reading takes numbers and booleans also as text, one value for an array of one, `null` for what is unset, and
//!   ignores unknown fields. A name that no enum has counts as unset, unless it is required. The rest is a matter of
//!   the reader's `Manner`: messages know the old names too (`slave_id`, `REASON_SLAVE_REMOVED`), Mesos does not.
//! * Written is what is set. (Mesos itself also writes the defaults of some unset fields.)

mod decode;
mod encode;
mod error;
mod manner;

pub(crate) use decode::{decode, decode_from};
pub(crate) use encode::{Encoded, encode};
pub(crate) use error::JsonError;
pub(crate) use manner::Manner;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{MESSAGES, Message, msg, samples, validate};
    use prost::Message as _;

    fn text(message: &'static Message, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode(message, bytes, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn lenient(message: &'static Message, json: &[u8]) -> Result<Vec<u8>, JsonError> {
        decode(message, json, Manner::Lenient)
    }

    #[test]
    fn rich_messages_come_back() {
        let offer = samples::offer().encode_to_vec();
        assert_eq!(lenient(msg::OFFER, text(msg::OFFER, &offer).as_bytes()).unwrap(), offer);
        let task = samples::task();
        let back = lenient(msg::TASK_INFO, text(msg::TASK_INFO, &task.encode_to_vec()).as_bytes()).unwrap();
        assert_eq!(
            crate::proto::mesos::v1::TaskInfo::decode(&back[..]).unwrap(),
            task,
            "the map has no order"
        );
    }

    #[test]
    fn random_messages_of_every_type_come_back() {
        let mut rng = fastrand::Rng::with_seed(3);
        for message in MESSAGES.iter().filter(|message| !message.is_map_entry) {
            for _ in 0..4 {
                let bytes = samples::random(message, &mut rng, 3);
                let text = text(message, &bytes);
                let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
                assert!(parsed.is_ok(), "{} is not JSON: {text}", message.name);
                assert_eq!(
                    lenient(message, text.as_bytes()).as_ref(),
                    Ok(&bytes),
                    "{}: {text}",
                    message.name
                );
            }
        }
    }

    #[test]
    fn whatever_is_decoded_is_valid() {
        let mut rng = fastrand::Rng::with_seed(5);
        let whole = text(msg::SCHEDULER_EVENT, &samples::event(1).encode_to_vec()).into_bytes();
        let mut accepted = 0;
        for _ in 0..3000 {
            let mut json = whole.clone();
            let at = rng.usize(0..json.len());
            json[at] = rng.u8(b' '..0x7f);
            if let Ok(bytes) = lenient(msg::SCHEDULER_EVENT, &json) {
                validate(msg::SCHEDULER_EVENT, &bytes).unwrap();
                accepted += 1;
            }
        }
        assert!(accepted > 0);
        for end in 0..whole.len() {
            assert!(lenient(msg::SCHEDULER_EVENT, &whole[..end]).is_err(), "cut at {end}");
        }
    }

    fn read(message: &'static Message, json: &str, manner: Manner) -> String {
        let bytes = decode(message, json.as_bytes(), manner);
        text(message, &bytes.unwrap_or_else(|error| panic!("{json}: {error}")))
    }

    #[test]
    fn reads_whatever_mesos_does() {
        let cases = [
            // numbers and booleans as text, whole numbers as floats, null, unknown fields
            (
                msg::VALUE_RANGE,
                r#"{"begin":"18446744073709551615","end":3e3}"#,
                r#"{"begin":18446744073709551615,"end":3000}"#,
            ),
            (
                msg::COMMAND_INFO,
                r#"{"shell":"false","value":null,"nothing":[{"x":1}]}"#,
                r#"{"shell":false}"#,
            ),
            (msg::VALUE_SCALAR, r#"{"value":"-Infinity"}"#, r#"{"value":"-Infinity"}"#),
            (msg::VALUE_SCALAR, r#"{"value":"2.5"}"#, r#"{"value":2.5}"#),
            (msg::VALUE_SCALAR, r#"{"value":2}"#, r#"{"value":2.0}"#),
            (
                msg::DURATION_INFO,
                r#"{"nanoseconds":-9223372036854775808}"#,
                r#"{"nanoseconds":-9223372036854775808}"#,
            ),
            // values that no enum has count as unset
            (msg::CHECK_INFO, r#"{"type":"OF_NEXT_YEAR"}"#, "{}"),
            // base64, padded or not, with bits to spare
            (msg::SECRET_VALUE, r#"{"data":"++8="}"#, r#"{"data":"++8="}"#),
            (msg::SECRET_VALUE, r#"{"data":"++9"}"#, r#"{"data":"++8="}"#),
            // one value for an array, null in an array, null in a map
            (msg::COMMAND_INFO, r#"{"arguments":"one"}"#, r#"{"arguments":["one"]}"#),
            (msg::COMMAND_INFO, r#"{"arguments":["a",null,"b"]}"#, r#"{"arguments":["a","b"]}"#),
            (msg::COMMAND_INFO, r#"{"arguments":[]}"#, "{}"),
        ];
        for (message, json, expected) in cases {
            for manner in [Manner::Mesos, Manner::Lenient] {
                assert_eq!(read(message, json, manner), expected, "{manner:?}: {json}");
            }
        }
    }

    #[test]
    fn a_lenient_reader_takes_more() {
        let cases = [
            // enums by number; unknown ones count as unset
            (msg::CHECK_INFO, r#"{"type":1}"#, r#"{"type":"COMMAND"}"#),
            (msg::CHECK_INFO, r#"{"type":99}"#, "{}"),
            // the old names
            (
                msg::SCHEDULER_CALL_SHUTDOWN,
                r#"{"slave_id":{"value":"s"},"executor_id":{"value":"e"}}"#,
                r#"{"executor_id":{"value":"e"},"agent_id":{"value":"s"}}"#,
            ),
            (
                msg::TASK_STATUS,
                r#"{"task_id":{"value":"t"},"state":"TASK_LOST","reason":"REASON_SLAVE_REMOVED"}"#,
                r#"{"task_id":{"value":"t"},"state":"TASK_LOST","reason":"REASON_AGENT_REMOVED"}"#,
            ),
            // base64 of the other alphabet
            (msg::SECRET_VALUE, r#"{"data":"--8"}"#, r#"{"data":"++8="}"#),
            (msg::SECRET_VALUE, r#"{"data":"-_"}"#, r#"{"data":"+w=="}"#),
        ];
        for (message, json, expected) in cases {
            assert_eq!(read(message, json, Manner::Lenient), expected, "{json}");
            let as_mesos = decode(message, json.as_bytes(), Manner::Mesos);
            assert_ne!(as_mesos, lenient(message, json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn mesos_takes_oddities() {
        let cases = [
            (msg::DURATION_INFO, r#"{"nanoseconds":1.9}"#, r#"{"nanoseconds":1}"#),
            (msg::DURATION_INFO, r#"{"nanoseconds":" -1.9"}"#, r#"{"nanoseconds":-1}"#),
            (msg::COMMAND_INFO, r#"{"arguments":[["a"],[],[["b"]]]}"#, r#"{"arguments":["a","b"]}"#),
            (
                msg::TASK_INFO,
                r#"{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"},"limits":[{"a":{"value":1}},{"b":{"value":2}}]}"#,
                r#"{"name":"n","task_id":{"value":"t"},"agent_id":{"value":"a"},"limits":{"a":{"value":1.0},"b":{"value":2.0}}}"#,
            ),
            // to its v1 API, this is no name
            (
                msg::SCHEDULER_CALL_KILL,
                r#"{"task_id":{"value":"t"},"slave_id":5}"#,
                r#"{"task_id":{"value":"t"}}"#,
            ),
        ];
        for (message, json, expected) in cases {
            assert_eq!(read(message, json, Manner::Mesos), expected, "{json}");
            assert!(lenient(message, json.as_bytes()).is_err(), "{json}");
        }
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let id = r#"{"value":"x"}"#;
        let offer = format!(r#"{{"id":{id},"framework_id":{id},"hostname":"h","agent_id":"#);
        let cases = [
            (
                msg::SCHEDULER_EVENT_OFFERS,
                format!(r#"{{"offers":[{offer}{id}}},{offer}{{"value":17}}}}]}}"#),
                "offers[1].agent_id.value: invalid value: integer `17`, expected text at line 1 column 187",
            ),
            (msg::OFFER, offer + id + "", "EOF while parsing an object"),
            (
                msg::TASK_STATUS,
                r#"{"state":"TASK_RUNNING"}"#.into(),
                "mesos.v1.TaskStatus lacks what it must have: task_id",
            ),
            (
                msg::TASK_STATUS,
                r#"{"state":"TASK_DANCING"}"#.into(),
                "state: invalid value: string \"TASK_DANCING\", expected a name of mesos.v1.TaskState",
            ),
            (
                msg::TASK_STATUS,
                r#"{"state":null,"task_id":{"value":null}}"#.into(),
                "task_id: mesos.v1.TaskID lacks",
            ),
            (
                msg::DURATION_INFO,
                r#"{"nanoseconds":9223372036854775808}"#.into(),
                "a whole number of 64 bits",
            ),
            (msg::DURATION_INFO, r#"{"nanoseconds":1.5}"#.into(), "floating point `1.5`"),
            (msg::DURATION_INFO, r#"{"nanoseconds":1e300}"#.into(), "nanoseconds: invalid value"),
            (msg::DURATION_INFO, r#"{"nanoseconds":"soon"}"#.into(), "string \"soon\""),
            (
                msg::VALUE_RANGE,
                r#"{"begin":-1}"#.into(),
                "integer `-1`, expected a whole number from 0, of 64 bits",
            ),
            (msg::COMMAND_INFO, r#"{"shell":1}"#.into(), "expected true or false"),
            (msg::COMMAND_INFO, r#"{"value":["a"]}"#.into(), "value: invalid value: sequence, expected text"),
            (
                msg::COMMAND_INFO,
                r#"{"arguments":["a",["b"]]}"#.into(),
                "arguments[1]: invalid value: sequence",
            ),
            (msg::COMMAND_INFO, r#"{"value":{}}"#.into(), "invalid value: map, expected text"),
            (msg::COMMAND_INFO, "[]".into(), "expected an object, the fields of mesos.v1.CommandInfo"),
            (msg::COMMAND_INFO, "{} {}".into(), "trailing characters"),
            (
                msg::TASK_INFO,
                r#"{"limits":{"a.b":{"value":true}}}"#.into(),
                r#"limits["a.b"].value: invalid value: boolean `true`, expected a number"#,
            ),
            (msg::TASK_INFO, r#"{"limits":[]}"#.into(), "limits: invalid value: sequence"),
            (
                msg::CONTAINER_ID,
                [r#"{"value":"a","parent":"#.repeat(101), "{}".into()].concat(),
                "100 levels",
            ),
        ];
        for (message, json, expected) in cases {
            let error = lenient(message, json.as_bytes()).expect_err(&json).to_string();
            assert!(error.contains(expected), "{json}\n  gave {error}\n  not  {expected}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        let secret = r#"{"principal":"p","secret":8675309}"#;
        let error = lenient(msg::CREDENTIAL, secret.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("secret: ") && !error.contains("8675309"), "{error}");
        // also if the text stands a level too high
        let cases = [(msg::CREDENTIAL, r#""hush""#), (msg::SECRET, r#"{"type":"VALUE","value":"hush"}"#)];
        for (message, json) in cases {
            let error = lenient(message, json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("kept secret") && !error.contains("hush"), "{error}");
        }
        let error = lenient(msg::SECRET_VALUE, br#"{"data":"hunter2!"}"#).unwrap_err().to_string();
        assert!(error.starts_with("data: ") && !error.contains("hunter2"), "{error}");
    }
}
