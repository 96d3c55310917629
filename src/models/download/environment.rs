//! What the environment says about the hub: where it is, which proxies lead to it, and whether it may be called at all.
//! The variables are those of Hugging Face's own tools and of curl.

use std::collections::BTreeMap;
use std::env;

use url::Url;

/// The variables that are looked at. Proxies are also known by lower-case names.
const VARIABLES: [&str; 16] = [
    "ALL_PROXY",
    "HF_ENDPOINT",
    "HF_HOME",
    "HF_HUB_OFFLINE",
    "HF_TOKEN",
    "HF_TOKEN_PATH",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "USERPROFILE",
    "XDG_CACHE_HOME",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// Variables of the environment, read once; tests bring their own. Not for printing: one of them may be a token.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// What this process was started with.
    pub fn of_this_process() -> Self {
        let set = |name: &&str| Some(((*name).to_owned(), env::var(name).ok()?));
        Self(VARIABLES.iter().filter_map(set).collect())
    }

    /// These variables and no others.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        Self(variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A variable that is set to more than blanks.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Where the hub is.
    pub(super) fn endpoint(&self) -> &str {
        self.get("HF_ENDPOINT").unwrap_or(DEFAULT_ENDPOINT)
    }

    /// Whether `HF_HUB_OFFLINE` forbids the network.
    pub(super) fn is_offline(&self) -> bool {
        self.get("HF_HUB_OFFLINE")
            .is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "on" | "yes" | "true"))
    }

    pub(super) fn proxies(&self) -> Proxies {
        let either = |upper: &str, lower: &str| self.get(lower).or_else(|| self.get(upper)).map(ToOwned::to_owned);
        let all = either("ALL_PROXY", "all_proxy");
        let exceptions = either("NO_PROXY", "no_proxy").unwrap_or_default();
        let separators = [',', ' '];
        Proxies {
            https: either("HTTPS_PROXY", "https_proxy").or_else(|| all.clone()),
            http: either("HTTP_PROXY", "http_proxy").or(all),
            exceptions: exceptions.split(separators).filter(|e| !e.is_empty()).map(str::to_ascii_lowercase).collect(),
        }
    }
}

/// Which proxy leads where. Not for printing: addresses of proxies may hold passwords.
#[derive(Clone, Default)]
pub(super) struct Proxies {
    https: Option<String>,
    http: Option<String>,
    exceptions: Vec<String>,
}

impl Proxies {
    /// The address of the proxy for `url`, if it is not called directly.
    pub(super) fn for_url(&self, url: &Url) -> Option<&str> {
        let proxy = if url.scheme() == "https" { self.https.as_deref() } else { self.http.as_deref() };
        proxy.filter(|_| !self.is_exception(url))
    }

    /// As curl has it: `example.org` also stands for all below it, `example.org:8080` for one port, `*` for all.
    fn is_exception(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        let with_port = format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
        self.exceptions.iter().any(|exception| {
            let exception = exception.trim_start_matches("*.").trim_start_matches('.');
            exception == "*"
                || [&host, &with_port]
                    .into_iter()
                    .any(|name| name.strip_suffix(exception).is_some_and(|head| head.is_empty() || head.ends_with('.')))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_leads_to_all_hosts_but_the_exceptions() {
        let environment = Environment::of(&[
            ("HTTPS_PROXY", "http://proxy:3128"),
            ("all_proxy", "http://other:1"),
            ("NO_PROXY", "example.org, .inside,127.0.0.1:8080"),
        ]);
        let proxies = environment.proxies();
        let check = |url: &str, expected: Option<&str>| {
            let url = Url::parse(url).expect("a right address");
            assert_eq!(proxies.for_url(&url), expected, "{url}");
        };
        check("https://huggingface.co/x", Some("http://proxy:3128"));
        check("http://huggingface.co/x", Some("http://other:1"));
        check("https://example.org/", None);
        check("https://sub.example.org/", None);
        check("https://badexample.org/", Some("http://proxy:3128"));
        check("https://host.inside/", None);
        check("http://127.0.0.1:8080/", None);
        check("http://127.0.0.1:8081/", Some("http://other:1"));
        let all = Environment::of(&[("https_proxy", "http://proxy:3128"), ("no_proxy", "*")]).proxies();
        assert_eq!(all.for_url(&Url::parse("https://huggingface.co").expect("a right address")), None);
    }

    #[test]
    fn the_network_is_forbidden_by_any_word_for_yes() {
        for (value, expected) in [("1", true), ("TRUE", true), ("yes", true), ("0", false), ("", false), ("no", false)]
        {
            assert_eq!(Environment::of(&[("HF_HUB_OFFLINE", value)]).is_offline(), expected, "{value:?}");
        }
    }
}
