//! Rows of the study of what goes wrong in clusters for which there is no check here, and why: one reason for many.

/// What is left out: the reason, and the ids.
pub(in crate::doctor) const LEFT_OUT: &[(&str, &[&str])] = &[
    (
        "They concern a machine on which a cluster is to be made, not a cluster that is there; `cluster create` looks at what it needs.",
        &[
            "H001", "H002", "H003", "H004", "H005", "H006", "H008", "H009", "H010", "H011", "H014", "H015", "H016",
            "H017", "H018", "H020", "H021", "H022", "H024", "H028", "H033", "H035", "H036", "H037", "E002", "E003",
            "E004", "E005", "E006", "E007", "E008", "E009", "E010", "E011", "E015", "Y007",
        ],
    ),
    (
        "They need a probe that writes, measures or sends something; the doctor only reads.",
        &["H007", "H030", "SV010", "D005", "L017", "F009"],
    ),
    (
        "They are about the inside of a node, which the Kubernetes API does not show.",
        &[
            "H012", "H013", "H019", "H025", "H026", "H027", "H031", "H032", "N011", "N013", "N019", "P030", "V017",
            "V022", "Q006", "Q007", "D006", "Z011", "H023",
        ],
    ),
    (
        "They concern the machine or the kubeconfig, not the cluster; `detect` and `cluster list` show what is there.",
        &["H034", "H038", "E012", "E013", "E014", "K002", "K003", "K007", "K008", "L016"],
    ),
    (
        "They concern the way to the API server; the connection is judged before there is evidence.",
        &["K004", "K005", "K006", "K009", "A002", "C001"],
    ),
    (
        "They concern a plan; `install`, `upgrade` and `prerequisites` judge what they write before they write it.",
        &[
            "K010", "K011", "H029", "A008", "N015", "N017", "Q005", "W013", "W014", "F010", "X011", "X012", "Y001",
            "Y002", "Y006", "KR008", "KR009", "KR010", "M004", "L006", "L007",
        ],
    ),
    ("They concern a run; its journal, lock and plan are the place for it.", &["G001", "G002", "G003", "G004", "Y005"]),
    (
        "They concern one stack; rules across its values, playbooks and checks of its own are the place for it.",
        &["G005", "G006", "G007", "G008", "G009", "G010", "R009", "V023", "F005", "Z009"],
    ),
    (
        "The kinds are not read: who diagnoses a cluster needs no right to its roles, policies, attachments and custom resources.",
        &[
            "R001", "R002", "R005", "R006", "R007", "R008", "NP001", "NP002", "NP003", "NP004", "NP005", "NP006",
            "C002", "I009", "KR005", "KR006", "L003", "L004", "L008", "L015", "L019", "M003",
        ],
    ),
    (
        "Another check says it already: the pods', the Service's, the webhook's or the definition's own.",
        &[
            "P018", "P031", "SV004", "SV011", "W005", "V008", "V018", "S012", "N009", "A005", "L002", "L009", "L013",
            "L014", "KR002", "KR003", "KR004", "KR007", "M001", "M002", "T005", "X004", "I008", "Z008",
        ],
    ),
    ("The API server refuses it, so that it cannot be there.", &["W009", "SV008", "J003"]),
    (
        "It is normal, or as often wanted as not: it would be told of healthy clusters.",
        &[
            "V004", "P033", "P034", "Z002", "Z003", "Z005", "Z007", "Z010", "F007", "F008", "SV005", "SV006", "SV009",
            "SV013", "B004", "D007", "N016", "W011", "KR011", "M010", "V015", "X006", "Y004", "M008", "M009", "I010",
            "L011", "L018",
        ],
    ),
    (
        "The evidence keeps no values of ConfigMaps and Secrets, no arguments and no environment.",
        &["D004", "F006", "V016", "L012"],
    ),
    (
        "They need the API server's or etcd's own metrics, or a way into etcd.",
        &["A004", "A009", "ET003", "ET005", "ET012"],
    ),
    (
        "They are not built yet.",
        &[
            "A007", "N003", "J004", "P032", "SV012", "L010", "C005", "C006", "C007", "C008", "ET004", "ET006", "ET008",
            "ET009", "ET010", "ET011", "Y003",
        ],
    ),
];
