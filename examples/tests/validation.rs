//! What `validation` prints.

mod support;

const PRINTED: &str = r#"an order:
  cooking for Tom
  HTTP 202
an order that breaks its rules:
  `customer`: every order has a customer, got "" (length)
  `contact`: must be an e-mail address, got "tom" (email)
  `cardPin`: must have exactly 4 characters (length)
  `cats`: must be from 1 to 12, got 0 (range)
  `lines[1].article`: must have 2 to 20 characters, got "x" (length)
  `lines[1].count`: must be from 1 to 100, got 101 (range)
  HTTP 422 {"errors":[{"path":"customer","code":"length","message":"every order has a customer","value":""},{"path":"contact","code":"email","message":"must be an e-mail address","value":"tom"},{"path":"cardPin","code":"length","message":"must have exactly 4 characters"},{"path":"cats","code":"range","message":"must be from 1 to 12","value":0},{"path":"lines[1].article","code":"length","message":"must have 2 to 20 characters","value":"x"},{"path":"lines[1].count","code":"range","message":"must be from 1 to 100","value":101}]}
an order that is not enough:
  the payload: 2 pieces are not enough for 3 cats (enough_for_all)
  HTTP 422 {"errors":[{"path":"","code":"enough_for_all","message":"2 pieces are not enough for 3 cats"}]}
an order of another shape:
  `lines[0].count`: invalid type: string "two", expected u32 at line 2 column 59 (malformed)
  HTTP 422 {"errors":[{"path":"lines[0].count","code":"malformed","message":"invalid type: string \"two\", expected u32 at line 2 column 59"}]}
"#;

#[test]
fn it_prints_what_is_wrong_for_people_and_for_clients() {
    let output = support::program("validation").output().expect("the example runs");
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).expect("text"), PRINTED);
}
