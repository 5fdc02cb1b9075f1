package email

// Encoded is how a text stands in a header.
var Encoded = encoded
