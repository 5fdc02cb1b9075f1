package email

// Encoded is encoded.
var Encoded = encoded
