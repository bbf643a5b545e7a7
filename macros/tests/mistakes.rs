//! Each mistake is shown where it was made, with its remedy; the files beside this one pin the words.

#[test]
fn mistakes_are_errors_at_the_words_that_hold_them() {
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}
