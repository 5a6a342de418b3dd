package assess

import (
	"encoding/binary"
	"math"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// Forms of the parts of a condition, as they are written.
const (
	partCall = iota + 1
	partMember
	partLoop
	partName
	partList
	partMap
	partField
	partHas
	partText
	partInt
	partUint
	partDouble
	partBool
	partNull
)

// checkedReader reads checkedConditions. Numbers are varints; words, types and
// references are their places in the lists before the bodies. Once it is bad,
// nothing that it gives has a meaning.
type checkedReader struct {
	of   *checkedConditions
	rest string
	bad  bool

	build ast.ExprFactory
	types map[int64]*types.Type
	refs  map[int64]*ast.ReferenceInfo
}

func (r *checkedReader) number() uint64 {
	var n uint64
	for i := range min(len(r.rest), binary.MaxVarintLen64) {
		c := r.rest[i]
		n |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.bad, r.rest = true, ""
	return 0
}

// count is a number of things that take a byte or more each.
func (r *checkedReader) count() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = true, ""
		return 0
	}
	return int(n)
}

// take gives the next n bytes: a part of the whole, not a copy.
func (r *checkedReader) take(n int) string {
	if n > len(r.rest) {
		r.bad, r.rest = true, ""
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *checkedReader) text() string { return r.take(r.count()) }

func (r *checkedReader) word() string { return placed(r, r.of.words) }

// placed reads a place in a list, and gives what is there.
func placed[T any](r *checkedReader, list []T) T {
	n := r.number()
	if n >= uint64(len(list)) {
		var none T
		r.bad, r.rest = true, ""
		return none
	}
	return list[n]
}

func (r *checkedReader) typ() *types.Type {
	kind, name := types.Kind(r.number()), r.word()
	params := make([]*types.Type, r.count())
	for i := range params {
		params[i] = placed(r, r.of.types)
	}
	switch {
	case r.bad:
	case kind == types.ListKind && len(params) == 1:
		return types.NewListType(params[0])
	case kind == types.MapKind && len(params) == 2:
		return types.NewMapType(params[0], params[1])
	case kind == types.TypeKind && len(params) == 1:
		return types.NewTypeTypeWithParam(params[0])
	case kind == types.OpaqueKind:
		return types.NewOpaqueType(name, params...)
	case kind == types.StructKind:
		return types.NewObjectType(name)
	case kind == types.TypeParamKind:
		return types.NewTypeParamType(name)
	}
	for _, t := range plainTypes() {
		if t.Kind() == kind {
			return t
		}
	}
	r.bad = true
	return types.ErrorType
}

// plainTypes are the types that their kind tells.
func plainTypes() []*types.Type {
	return []*types.Type{types.DynType, types.BoolType, types.BytesType, types.DoubleType, types.DurationType, types.IntType,
		types.NullType, types.StringType, types.TimestampType, types.UintType}
}

// reference is to a variable, or to what a function can be here.
func (r *checkedReader) reference() *ast.ReferenceInfo {
	info := &ast.ReferenceInfo{Name: r.word()}
	if n := r.count(); n > 0 {
		info.OverloadIDs = make([]string, n)
		for i := range info.OverloadIDs {
			info.OverloadIDs[i] = r.word()
		}
	}
	return info
}

// condition reads one condition; nil if it is damaged.
func (r *checkedReader) condition() *ast.AST {
	r.build = ast.NewExprFactory()
	r.types = make(map[int64]*types.Type, r.count())
	r.refs = make(map[int64]*ast.ReferenceInfo, r.count())
	e := r.expr()
	if r.bad {
		return nil
	}
	return ast.NewCheckedAST(ast.NewAST(e, ast.NewSourceInfo(nil)), r.types, r.refs)
}

// expr reads an expression: its form, its id, its type and what it refers to,
// each of the two counted from 1, and what it is made of.
func (r *checkedReader) expr() ast.Expr {
	form, id := r.number(), int64(r.number())
	if n := r.number(); n > 0 && n <= uint64(len(r.of.types)) {
		r.types[id] = r.of.types[n-1]
	}
	if n := r.number(); n > 0 && n <= uint64(len(r.of.refs)) {
		r.refs[id] = r.of.refs[n-1]
	}
	switch form {
	case partCall:
		return r.build.NewCall(id, r.word(), r.exprs()...)
	case partMember:
		name := r.word()
		return r.build.NewMemberCall(id, name, r.expr(), r.exprs()...)
	case partLoop:
		return r.loop(id)
	case partName:
		return r.build.NewIdent(id, r.word())
	case partList:
		return r.build.NewList(id, r.exprs(), []int32{})
	case partMap:
		return r.build.NewMap(id, r.entries())
	case partField:
		name := r.word()
		return r.build.NewSelect(id, r.expr(), name)
	case partHas:
		name := r.word()
		return r.build.NewPresenceTest(id, r.expr(), name)
	}
	return r.build.NewLiteral(id, r.literal(form))
}

func (r *checkedReader) exprs() []ast.Expr {
	list := make([]ast.Expr, r.count())
	for i := range list {
		list[i] = r.expr()
	}
	return list
}

func (r *checkedReader) entries() []ast.EntryExpr {
	list := make([]ast.EntryExpr, r.count())
	for i := range list {
		id := int64(r.number())
		key := r.expr()
		list[i] = r.build.NewMapEntry(id, key, r.expr(), false)
	}
	return list
}

func (r *checkedReader) loop(id int64) ast.Expr {
	element, second, sum := r.word(), r.word(), r.word()
	var parts [5]ast.Expr // over what, from what, as long as, step, result
	for i := range parts {
		parts[i] = r.expr()
	}
	return r.build.NewComprehensionTwoVar(id, parts[0], element, second, sum, parts[1], parts[2], parts[3], parts[4])
}

func (r *checkedReader) literal(form uint64) ref.Val {
	switch form {
	case partText:
		return types.String(r.word())
	case partInt:
		n := r.number()
		return types.Int(int64(n>>1) ^ -int64(n&1))
	case partUint:
		return types.Uint(r.number())
	case partDouble:
		return types.Double(math.Float64frombits(r.number()))
	case partBool:
		return types.Bool(r.number() == 1)
	case partNull:
		return types.NullValue
	}
	r.bad, r.rest = true, ""
	return types.NullValue
}
