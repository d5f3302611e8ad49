#include "tools/kd/call_frames.h"

#include <dwarf.h>
#include <gtest/gtest.h>

#include "tests/kd_tool/fake_memory.h"
#include "tools/kd/dwarf_expression.h"

namespace ntemu::test {
namespace {

using debug::Address;
using debug::RegisterRule;
using Bytes = std::vector<uint8_t>;

constexpr Address kTable = 0x10000, kFrames = 0x11000, kCode = 0x20000;

template <class T>
void append(Bytes &bytes, T value) {
  const auto *from = reinterpret_cast<const uint8_t *>(&value);
  bytes.insert(bytes.end(), from, from + sizeof value);
}

// One function of 0x100 bytes at kCode, whose frames `common` and `program` describe.
class CallFramesTest : public testing::Test {
 protected:
  void make(const Bytes &common, const Bytes &program, const std::string &augmentation = "zR") {
    Bytes description;
    append(description, uint32_t{0});  // a CIE
    description.push_back(1);
    description.insert(description.end(), augmentation.begin(), augmentation.end());
    for (const uint8_t byte : Bytes{0, 1, 0x78, 16, 1, DW_EH_PE_pcrel | DW_EH_PE_sdata4}) description.push_back(byte);
    description.insert(description.end(), common.begin(), common.end());
    put_record(kFrames, description);
    const Address function = kFrames + 4 + description.size();
    Bytes entry;
    append(entry, static_cast<uint32_t>(function + 4 - kFrames));
    append(entry, static_cast<int32_t>(kCode - (function + 8)));
    append(entry, uint32_t{0x100});
    entry.push_back(0);
    entry.insert(entry.end(), program.begin(), program.end());
    put_record(function, entry);
    Bytes table{1, DW_EH_PE_pcrel | DW_EH_PE_sdata4, DW_EH_PE_udata4, DW_EH_PE_datarel | DW_EH_PE_sdata4};
    append(table, int32_t{0});
    append(table, uint32_t{1});
    append(table, static_cast<int32_t>(kCode - kTable));
    append(table, static_cast<int32_t>(function - kTable));
    memory_.put_bytes(kTable, table);
    debug::ImageHeaders image;
    image.eh_frame = kTable;
    image.eh_frame_size = table.size();
    frames_ = std::make_unique<debug::CallFrames>(image);
  }
  const debug::FrameRow *row(uint64_t offset) {
    debug::Memory memory(memory_);
    return frames_->row(memory, kCode + offset);
  }

  FakeMemory memory_;
  std::unique_ptr<debug::CallFrames> frames_;

 private:
  void put_record(Address at, const Bytes &bytes) {
    memory_.put(at, static_cast<uint32_t>(bytes.size()));
    memory_.put_bytes(at + 4, bytes);
  }
};

// What compilers begin with: the frame is 8 bytes above the stack pointer, where the return address is.
const Bytes kUsual{DW_CFA_def_cfa, 7, 8, DW_CFA_offset | 16, 1};

TEST_F(CallFramesTest, RowsFollowTheCode) {
  make(kUsual, {DW_CFA_advance_loc | 1, DW_CFA_def_cfa_offset, 16, DW_CFA_offset | 6, 2,  // push rbp
                DW_CFA_advance_loc | 3, DW_CFA_def_cfa_register, 6,                       // mov rbp, rsp
                DW_CFA_advance_loc1, 0x20, DW_CFA_offset | 3, 3});                        // rbx is saved
  ASSERT_TRUE(row(0));
  EXPECT_EQ(row(0)->frame_register, debug::kRsp);
  EXPECT_EQ(row(0)->frame_address.offset, 8);
  EXPECT_EQ(row(0)->rules[debug::kRip].kind, RegisterRule::kAtOffset);
  EXPECT_EQ(row(0)->rules[debug::kRip].offset, -8);
  EXPECT_EQ(row(0)->rules[debug::kRbp].kind, RegisterRule::kUnspecified);
  EXPECT_EQ(row(1)->frame_address.offset, 16);
  EXPECT_EQ(row(3)->rules[debug::kRbp].offset, -16);
  EXPECT_EQ(row(3)->frame_register, debug::kRsp);
  EXPECT_EQ(row(4)->frame_register, debug::kRbp);
  EXPECT_EQ(row(0x23)->rules[debug::kRbx].kind, RegisterRule::kUnspecified);
  EXPECT_EQ(row(0x24)->rules[debug::kRbx].offset, -24);
  EXPECT_EQ(row(0xff)->rules[debug::kRbx].offset, -24);
}

TEST_F(CallFramesTest, StatesAreRememberedAndRestored) {
  make(kUsual, {DW_CFA_offset | 3, 4, DW_CFA_def_cfa_offset, 32, DW_CFA_remember_state,  //
                DW_CFA_advance_loc | 8, DW_CFA_restore | 3, DW_CFA_def_cfa_offset, 8,    // the end in the midst
                DW_CFA_advance_loc | 1, DW_CFA_restore_state});
  EXPECT_EQ(row(7)->frame_address.offset, 32);
  EXPECT_EQ(row(8)->frame_address.offset, 8);
  EXPECT_EQ(row(8)->rules[debug::kRbx].kind, RegisterRule::kUnspecified);
  EXPECT_EQ(row(9)->frame_address.offset, 32);
  EXPECT_EQ(row(9)->rules[debug::kRbx].offset, -32);
}

TEST_F(CallFramesTest, SignalFramesAndExpressions) {
  make({},
       {DW_CFA_def_cfa_expression, 3, DW_OP_breg0 + 7, 0x10, DW_OP_deref, DW_CFA_expression, 16, 2, DW_OP_breg0 + 7, 8},
       "zRS");
  ASSERT_TRUE(row(0));
  EXPECT_TRUE(row(0)->signal_frame);
  EXPECT_EQ(row(0)->frame_address.kind, RegisterRule::kIsExpression);
  EXPECT_EQ(row(0)->frame_address.expression, (Bytes{DW_OP_breg0 + 7, 0x10, DW_OP_deref}));
  EXPECT_EQ(row(0)->rules[debug::kRip].kind, RegisterRule::kAtExpression);
}

TEST_F(CallFramesTest, CodeThatIsNotDescribedHasNoRow) {
  make(kUsual, {});
  EXPECT_FALSE(row(0x100));
  EXPECT_FALSE(row(static_cast<uint64_t>(-1)));
}

TEST_F(CallFramesTest, WhatMakesNoSenseHasNoRow) {
  make(kUsual, {DW_CFA_restore_state});
  EXPECT_FALSE(row(0));
  make(kUsual, {0x3f, 1});  // no such instruction
  EXPECT_FALSE(row(0));
  make(kUsual, {DW_CFA_def_cfa_expression, 100, 1});  // longer than what is left
  EXPECT_FALSE(row(0));
  make(kUsual, Bytes(1000, DW_CFA_remember_state));
  EXPECT_FALSE(row(0));
}

TEST_F(CallFramesTest, MemoryThatIsMissingHasNoRow) {
  make(kUsual, {});
  memory_.remove(kFrames + 6);
  EXPECT_FALSE(row(0));
}

std::optional<uint64_t> evaluate(const Bytes &expression, std::optional<uint64_t> initial = std::nullopt) {
  debug::Registers registers;
  registers.set(debug::kRsp, 0x1000);
  registers.set(debug::kRip, 0x200b);
  const debug::ExpressionContext context{
      registers, [](uint64_t address, size_t size) { return size ? std::optional(address + 1) : std::nullopt; },
      0x5000};
  return debug::evaluate_dwarf(expression, context, initial);
}

TEST(DwarfExpression, Arithmetic) {
  EXPECT_EQ(evaluate({DW_OP_lit5, DW_OP_lit3, DW_OP_minus}), 2u);
  EXPECT_EQ(evaluate({DW_OP_lit5, DW_OP_lit3, DW_OP_shl}), 40u);
  EXPECT_EQ(evaluate({DW_OP_const1s, 0xf0, DW_OP_lit2, DW_OP_shra}), ~uint64_t{3});
  EXPECT_EQ(evaluate({DW_OP_const1s, 0xf6, DW_OP_lit3, DW_OP_div}), ~uint64_t{2});
  EXPECT_EQ(evaluate({DW_OP_lit1, DW_OP_lit2, DW_OP_lit3, DW_OP_rot, DW_OP_drop, DW_OP_drop}), 3u);
  EXPECT_EQ(evaluate({DW_OP_lit1, DW_OP_lit0, DW_OP_bra, 1, 0, DW_OP_neg}), ~uint64_t{0});
  EXPECT_EQ(evaluate({DW_OP_plus_uconst, 8}, 16), 24u);
  EXPECT_EQ(evaluate({DW_OP_call_frame_cfa}), 0x5000u);
  EXPECT_EQ(evaluate({DW_OP_breg7, 0x78, DW_OP_deref}), 0xff9u);
}

// What the linker says of .plt: whether the entry has pushed its number depends on where in it one is.
TEST(DwarfExpression, OfTheLinkersTable) {
  EXPECT_EQ(evaluate({DW_OP_breg7, 8, DW_OP_breg16, 0, DW_OP_lit15, DW_OP_and, DW_OP_lit11, DW_OP_ge, DW_OP_lit3,
                      DW_OP_shl, DW_OP_plus}),
            0x1010u);
}

TEST(DwarfExpression, WhatMakesNoSenseHasNoValue) {
  EXPECT_FALSE(evaluate({}));
  EXPECT_FALSE(evaluate({DW_OP_plus}));
  EXPECT_FALSE(evaluate({DW_OP_breg3, 0})) << "rbx is not known";
  EXPECT_FALSE(evaluate({DW_OP_lit1, DW_OP_lit0, DW_OP_div}));
  EXPECT_FALSE(evaluate({DW_OP_lit1, DW_OP_lit0, DW_OP_mod}));
  EXPECT_FALSE(evaluate({DW_OP_const8u, 1, 2}));
  EXPECT_FALSE(evaluate({DW_OP_lit1, DW_OP_skip, 0xfc, 0xff})) << "for ever";
  EXPECT_FALSE(evaluate({DW_OP_skip, 0x80, 0x7f}));
  EXPECT_FALSE(evaluate(Bytes(100, DW_OP_lit1))) << "too deep";
  EXPECT_FALSE(evaluate({0xff}));
}

}  // namespace
}  // namespace ntemu::test
