package office

import "strings"

// directoryFile is the directory of the post office: three people, outsiders
// whom it knows (remote), and two distribution lists.
var directoryFile = crlf(`! Directory of HARBOUR/BREMEN
DIRECTORY
Obj-Class,Mode,Common-Name,Display-Name,Surname,Given-Name,Department,Telephone-Office1,Home-Server,E-mail Addresses,E-mail Address,Secondary-Proxy-Addresses,Members
mailbox,create,HHarbour,Heinrich Harbour,Harbour,Heinrich,Geschäftsleitung,+49 421 5550-101,~SERVER,"SMTP:heinrich.harbour@harbour-hale.example%MS:HARBOUR/BREMEN/HHARBOUR",,MIGRATE:MS:HARBOUR/BREMEN/HHARBOUR,
mailbox,create,MDunn,Maureen Dunn,Dunn,Maureen,Hull Office,+44 1482 555-012,~SERVER,"SMTP:maureen.dunn@harbour-hale.example%MS:HARBOUR/BREMEN/MDUNN",,MIGRATE:MS:HARBOUR/BREMEN/MDUNN,
mailbox,create,KLehrling,"Lehrling, Kai",Lehrling,Kai,Lager,+49 421 5550-140,~SERVER,"SMTP:kai.lehrling@harbour-hale.example%MS:HARBOUR/BREMEN/KLEHRLING",,MIGRATE:MS:HARBOUR/BREMEN/KLEHRLING,
remote,create,TideOffice,Humber Tide Office,Office,Tide,,,,,SMTP:tides@humber-ports.example,,
remote,create,Reederei,"Reederei Wümmeland, Disposition",Wümmeland,Reederei,,,,,SMTP:dispo@wuemmeland.example,,
remote,create,Agent,"Agent Rotterdam (X.400)",Rotterdam,Agent,,,,,X400:c=nl;a=400net;p=maasagent;s=agent;,,
dl,create,Office,Office Bremen and Hull,,,,,,SMTP:office@harbour-hale.example,,,"/o=HARBOUR/ou=BREMEN/cn=Recipients/cn=HHarbour%/o=HARBOUR/ou=BREMEN/cn=Recipients/cn=MDunn%/o=HARBOUR/ou=BREMEN/cn=Recipients/cn=KLehrling"
dl,create,Ports,Ports and agents,,,,,,SMTP:ports@harbour-hale.example,,,"/o=HARBOUR/ou=BREMEN/cn=Recipients/cn=TideOffice%/o=HARBOUR/ou=BREMEN/cn=Recipients/cn=Agent%/o=HARBOUR/ou=BREMEN/cn=Recipients/cn=Office"

`)

// addressBook is Maureen Dunn's personal address book.
var addressBook = crlf(`Obj-class,Display-Name,Email-Address,First,Last,Address,City,State,Zip,Country,Title,Company,Department,Office,Assistant,Bus-Num,Bus2-Num,Assist-Num,Fax-Num,Home-Num,Home2-Num,Mobile-Num,Pager-Num,Note
entry,Derek Oldroyd,SMTP:derek@oldroyd-ropes.example,Derek,Oldroyd,"14 Ropery Street",Hull,,HU1 1AA,UK,,"Oldroyd Ropes, Ltd.",,,,01482 555 071,,,01482 555 072,,,,,"Rings before nine, never after"
entry,Frau Jürgens,SMTP:juergens@wuemmeland.example,Ute,Jürgens,,Bremen,,28195,Germany,Disponentin,Reederei Wümmeland,,,,+49 421 5550-733,,,,,,,,
entry,Mum,USER:Mum,,Dunn,,Hessle,,,,,,,,,,,,,01482 555 019,,,,
dl,Rope people,SMTP:derek@oldroyd-ropes.example;SMTP:sales@manila-cordage.example,,,,,,,,,,,,,,,,,,,,,Everyone who sells rope
`)

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
