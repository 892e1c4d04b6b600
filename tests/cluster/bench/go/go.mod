module seaworthy.test/broken

go 1.26
