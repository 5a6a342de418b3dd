package memory_test

import (
	"testing"

	"github.com/exhibit-aims/exhibit/internal/store"
	"github.com/exhibit-aims/exhibit/internal/store/memory"
	"github.com/exhibit-aims/exhibit/internal/store/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(_ testing.TB, o storetest.Options) store.Store {
		return memory.New(o.Key.Signer(), o.Now)
	})
}
