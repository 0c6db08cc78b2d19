// Package olm reads the archives that Outlook for Mac exports (.olm): a zip file
// with an XML document for each message. No description of the format was
// published; what is written here was learnt from archives.
//
//	Accounts/<account>/com.microsoft.__Messages/<folder>/.../message_00000.xml
//	Local/com.microsoft.__Messages/<folder>/.../message_00000.xml
//	.../com.microsoft.__Attachments/<name>      the bytes of an attachment
//	.../Address Book/Contacts.xml, .../Calendar.xml, Tasks.xml, Notes.xml
//
// Bodies and attachments are streamed; all that is kept of a message is bounded.
package olm
