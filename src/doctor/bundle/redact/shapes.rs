//! Secrets that are known by how they begin, as those who issue them say.

use super::Rule;

/// Which letters follow.
#[derive(Debug, Clone, Copy)]
pub(super) enum Letters {
    /// Letters and digits.
    Plain,
    /// And `_` and `-`.
    Url,
    /// And `_`, `-` and `.`.
    Dotted,
    /// And `+`, `/` and `=`.
    Base64,
    /// Hexadecimal digits.
    Hex,
}

impl Letters {
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::Plain => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'/' | b'=' | b'.'),
            Self::Hex => byte.is_ascii_hexdigit(),
        }
    }
}

/// One way in which a secret begins.
#[derive(Debug)]
pub(super) struct Shape {
    /// Who issues it.
    pub(super) rule: Rule,
    pub(super) prefix: &'static str,
    pub(super) letters: Letters,
    /// Letters after the prefix, at least.
    pub(super) least: usize,
}

const fn shape(rule: Rule, prefix: &'static str, letters: Letters, least: usize) -> Shape {
    Shape { rule, prefix, letters, least }
}

use Letters::{Base64, Dotted, Hex, Plain, Url};

/// All that are known.
pub(super) const SHAPES: &[Shape] = &[
    shape("github-token", "ghp_", Plain, 30),
    shape("github-token", "gho_", Plain, 30),
    shape("github-token", "ghu_", Plain, 30),
    shape("github-token", "ghs_", Plain, 30),
    shape("github-token", "ghr_", Plain, 30),
    shape("github-token", "github_pat_", Url, 40),
    shape("gitlab-token", "glpat-", Dotted, 20),
    shape("gitlab-token", "gldt-", Url, 20),
    shape("gitlab-token", "glrt-", Dotted, 20),
    shape("gitlab-token", "glcbt-", Url, 20),
    shape("gitlab-token", "glptt-", Url, 20),
    shape("gitlab-token", "glsoat-", Url, 20),
    shape("gitlab-token", "glft-", Url, 20),
    shape("gitlab-token", "glagent-", Url, 20),
    shape("gitlab-token", "GR1348941", Url, 20),
    shape("aws-key", "AKIA", Plain, 16),
    shape("aws-key", "ASIA", Plain, 16),
    shape("aws-key", "ABIA", Plain, 16),
    shape("aws-key", "ACCA", Plain, 16),
    shape("google-key", "AIza", Url, 35),
    shape("google-token", "ya29.", Dotted, 20),
    shape("google-secret", "GOCSPX-", Url, 20),
    shape("slack-token", "xoxb-", Url, 10),
    shape("slack-token", "xoxp-", Url, 10),
    shape("slack-token", "xoxa-", Url, 10),
    shape("slack-token", "xoxr-", Url, 10),
    shape("slack-token", "xoxs-", Url, 10),
    shape("slack-token", "xoxe.", Dotted, 10),
    shape("slack-token", "xoxe-", Url, 10),
    shape("slack-token", "xapp-", Url, 10),
    shape("slack-webhook", "hooks.slack.com/services/", Base64, 20),
    shape("slack-webhook", "hooks.slack.com/workflows/", Base64, 20),
    shape("discord-webhook", "discord.com/api/webhooks/", Base64, 20),
    shape("discord-webhook", "discordapp.com/api/webhooks/", Base64, 20),
    shape("stripe-key", "sk_live_", Plain, 10),
    shape("stripe-key", "sk_test_", Plain, 10),
    shape("stripe-key", "rk_live_", Plain, 10),
    shape("stripe-key", "rk_test_", Plain, 10),
    shape("stripe-key", "whsec_", Base64, 16),
    shape("openai-key", "sk-proj-", Url, 20),
    shape("openai-key", "sk-svcacct-", Url, 20),
    shape("openai-key", "sk-admin-", Url, 20),
    shape("anthropic-key", "sk-ant-", Url, 20),
    shape("openrouter-key", "sk-or-v1-", Plain, 20),
    shape("openai-key", "sk-", Plain, 32),
    shape("sendgrid-key", "SG.", Dotted, 40),
    shape("mailgun-key", "key-", Hex, 32),
    shape("brevo-key", "xkeysib-", Url, 40),
    shape("npm-token", "npm_", Plain, 30),
    shape("pypi-token", "pypi-AgE", Url, 40),
    shape("rubygems-key", "rubygems_", Hex, 40),
    shape("docker-token", "dckr_pat_", Url, 20),
    shape("docker-token", "dckr_oat_", Url, 20),
    shape("huggingface-token", "hf_", Plain, 30),
    shape("huggingface-token", "api_org_", Plain, 30),
    shape("vault-token", "hvs.", Url, 20),
    shape("vault-token", "hvb.", Url, 20),
    shape("vault-token", "hvr.", Url, 20),
    shape("terraform-token", ".atlasv1.", Url, 40),
    shape("digitalocean-token", "dop_v1_", Hex, 40),
    shape("digitalocean-token", "doo_v1_", Hex, 40),
    shape("digitalocean-token", "dor_v1_", Hex, 40),
    shape("shopify-token", "shpat_", Hex, 30),
    shape("shopify-token", "shpss_", Hex, 30),
    shape("shopify-token", "shpca_", Hex, 30),
    shape("shopify-token", "shppa_", Hex, 30),
    shape("square-token", "sq0atp-", Url, 20),
    shape("square-token", "sq0csp-", Url, 30),
    shape("square-token", "EAAAE", Url, 50),
    shape("facebook-token", "EAA", Plain, 60),
    shape("postman-key", "PMAK-", Url, 40),
    shape("linear-key", "lin_api_", Plain, 30),
    shape("notion-token", "ntn_", Plain, 30),
    shape("databricks-token", "dapi", Hex, 32),
    shape("grafana-token", "glsa_", Url, 32),
    shape("grafana-token", "glc_", Base64, 32),
    shape("newrelic-key", "NRAK-", Plain, 20),
    shape("newrelic-key", "NRII-", Url, 20),
    shape("newrelic-key", "NRJS-", Plain, 15),
    shape("newrelic-key", "NRAA-", Plain, 20),
    shape("sentry-token", "sntrys_", Base64, 40),
    shape("sentry-token", "sntryu_", Plain, 40),
    shape("posthog-key", "phc_", Plain, 30),
    shape("posthog-key", "phx_", Plain, 30),
    shape("pulumi-token", "pul-", Hex, 40),
    shape("age-key", "AGE-SECRET-KEY-1", Plain, 50),
    shape("nvidia-key", "nvapi-", Url, 40),
    shape("prefect-key", "pnu_", Plain, 30),
    shape("prefect-key", "pnb_", Plain, 30),
    shape("figma-token", "figd_", Url, 30),
    shape("doppler-token", "dp.pt.", Plain, 30),
    shape("doppler-token", "dp.st.", Dotted, 30),
    shape("doppler-token", "dp.ct.", Plain, 30),
    shape("doppler-token", "dp.sa.", Plain, 30),
    shape("tailscale-key", "tskey-", Url, 20),
    shape("fly-token", "fo1_", Url, 30),
    shape("fly-token", "FlyV1 ", Base64, 40),
    shape("contentful-token", "CFPAT-", Url, 30),
    shape("planetscale-token", "pscale_tkn_", Dotted, 30),
    shape("planetscale-token", "pscale_pw_", Dotted, 30),
    shape("planetscale-token", "pscale_oauth_", Dotted, 30),
    shape("supabase-key", "sbp_", Hex, 30),
    shape("supabase-key", "sb_secret_", Url, 20),
    shape("replicate-token", "r8_", Plain, 30),
    shape("groq-key", "gsk_", Plain, 40),
    shape("perplexity-key", "pplx-", Plain, 40),
    shape("xai-key", "xai-", Plain, 60),
    shape("atlassian-token", "ATATT3", Base64, 60),
    shape("atlassian-token", "ATCTT3", Base64, 60),
    shape("atlassian-token", "ATBB", Plain, 28),
    shape("artifactory-token", "AKCp", Plain, 60),
    shape("artifactory-token", "cmVmdGtu", Plain, 50),
    shape("1password-token", "ops_eyJ", Base64, 60),
    shape("alibaba-key", "LTAI", Plain, 16),
    shape("tencent-key", "AKID", Plain, 32),
    shape("render-key", "rnd_", Plain, 28),
    shape("sourcegraph-token", "sgp_", Url, 40),
    shape("buildkite-token", "bkua_", Hex, 40),
    shape("circleci-token", "CCIPAT_", Url, 40),
    shape("circleci-token", "CCIPRJ_", Url, 40),
    shape("heroku-key", "HRKU-", Url, 30),
    shape("asana-token", "asana_", Plain, 30),
    shape("telegram-token", ":AA", Url, 33),
    shape("dynatrace-token", "dt0c01.", Dotted, 80),
    shape("dynatrace-token", "dt0s01.", Dotted, 80),
    shape("easypost-key", "EZAK", Plain, 54),
    shape("duffel-token", "duffel_live_", Url, 40),
    shape("frameio-token", "fio-u-", Url, 60),
    shape("flutterwave-key", "FLWSECK", Url, 12),
    shape("adafruit-key", "aio_", Plain, 28),
    shape("readme-key", "rdme_", Plain, 70),
    shape("prefect-key", "pnu-", Plain, 30),
    shape("scalingo-token", "tk-us-", Url, 48),
    shape("shippo-token", "shippo_live_", Hex, 40),
    shape("shippo-token", "shippo_test_", Hex, 40),
    shape("typeform-token", "tfp_", Dotted, 40),
    shape("infracost-key", "ico-", Plain, 32),
    shape("confluent-key", "cflt", Base64, 55),
    shape("intra42-token", "s-s4t2", Hex, 60),
    shape("clojars-token", "CLOJARS_", Plain, 50),
    shape("kraken-key", "PKCS8-", Base64, 60),
    shape("k3s-token", "K10", Base64, 64),
    shape("jwt", "eyJ", Base64, 30),
];

/// Those of which more than letters has to fit.
pub(super) fn fits(shape: &Shape, rest: &str) -> bool {
    match shape.rule {
        // `header.claims.signature`; plain JSON in base64 is looked at as base64.
        "jwt" => rest.split('.').take(2).all(|part| part.len() >= 6) && rest.contains('.'),
        "aws-key" | "alibaba-key" => rest.bytes().filter(u8::is_ascii_digit).count() > 0 && rest.len() <= 30,
        "telegram-token" => rest.len() <= 40,
        _ => true,
    }
}
