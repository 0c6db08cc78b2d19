// Package zone reads the time zones that Outlook keeps in calendar items
// ([MS-OXOCAL] 2.2.1.39, 2.2.1.41), reckons with them, and writes them as
// VTIMEZONE (RFC 5545 3.6.5).
package zone
