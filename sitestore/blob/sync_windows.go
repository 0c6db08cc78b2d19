package blob

// notSyncable: folders cannot be synced on Windows, and need not be.
func notSyncable(error) bool { return true }
