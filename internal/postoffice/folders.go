package postoffice

import (
	"bytes"
	"fmt"

	"waybill/format/msmail/fld"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mai"
)

// folders writes shared and group folders with their index: messages that follow
// each other behind the header (hypothesis), and message stores full of noise.
func (w *writer) folders() error {
	index := make([]byte, fld.IndexHeader)
	for i := range w.opt.Folders {
		f := Folder{ID: glb.ID(i), Name: fmt.Sprintf("Board %d", i+1), Owner: w.m.Users[w.rng.IntN(len(w.m.Users))].ID, Kind: byte(fld.TypeGroup + i%2)}
		var b bytes.Buffer
		b.Write(fld.NewHeader(f.Kind))
		for range w.rng.IntN(6) * (i % 3) {
			if len(w.m.Messages) == 0 {
				break
			}
			msg := w.m.Messages[w.rng.IntN(len(w.m.Messages))]
			msg.Files, msg.Live = nil, 1
			if err := mai.Write(&b, w.draft(&msg), &w.m.Cipher); err != nil {
				return err
			}
			f.Messages++
			f.Subjects = append(f.Subjects, msg.Subject)
		}
		if err := w.write("FOLDERS/PUB/"+f.ID.String()+".FLD", b.Bytes()); err != nil {
			return err
		}
		var e fld.Entry
		e.Set(w.code(f.Name), "about "+f.Name, f.Owner, f.ID, f.Kind)
		index = append(index, e[:]...)
		w.m.Folders = append(w.m.Folders, f)
	}
	var serial glb.Counter
	serial.SetValue(uint32(w.opt.Folders))
	for name, b := range map[string][]byte{"FOLDERS/PUB/FOLDROOT.IDX": index, "FOLDERS/SERIALNO.IDX": serial[:], "FOLDERS/LOC/00000000/00000000.IDX": make([]byte, fld.IndexHeader)} {
		if err := w.write(name, b); err != nil {
			return err
		}
	}
	for i := 1; i < len(w.m.Users) && i < 3; i++ {
		w.m.Stores++
		if err := w.write("MMF/"+w.m.Users[i].ID.String()+".MMF", w.noise(32<<10)); err != nil {
			return err
		}
	}
	return nil
}
