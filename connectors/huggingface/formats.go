package huggingface

import (
	"path"
	"strings"
)

// formatOf tells a file's format by its name; empty for what holds no model.
// Loading "pickle" runs code of whoever wrote the file; "keras" can.
func formatOf(name string) string {
	base := strings.ToLower(path.Base(name))
	switch path.Ext(base) {
	case ".safetensors":
		return "safetensors"
	case ".gguf", ".ggml":
		return "gguf"
	case ".onnx":
		return "onnx"
	case ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill":
		return "pickle"
	case ".h5", ".hdf5", ".keras":
		return "keras"
	case ".pb":
		return "tensorflow"
	case ".tflite":
		return "tflite"
	case ".msgpack":
		return "msgpack"
	case ".mlmodel":
		return "coreml"
	case ".py":
		return "python"
	case ".bin":
		return binary(base)
	}
	return ""
}

// binary tells what a .bin is. PyTorch writes pickle under some usual names;
// for any other name nothing is claimed but that it is a .bin.
func binary(base string) string {
	for _, known := range []string{"pytorch_model", "adapter_model", "training_args", "optimizer", "scheduler", "diffusion_pytorch_model"} {
		rest, ok := strings.CutPrefix(base, known)
		if ok && (rest == ".bin" || strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, ".") || strings.HasPrefix(rest, "_")) {
			return "pickle"
		}
	}
	if strings.HasPrefix(base, "ggml") {
		return "gguf"
	}
	return "bin"
}
