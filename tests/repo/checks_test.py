"""Each check of the tree finds what it is for: a small tree with one violation at a time."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
import check_hooks  # noqa: E402
import check_layers  # noqa: E402
import gen_api_docs  # noqa: E402


class TreeTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        self.write("ntemu/include/km/ntddk.h", "")
        self.write("ntemu/include/km/nt/ke.h", "")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def errors(self):
        return check_layers.check(self.root)


class Layers(TreeTest):
    def test_an_upper_component_may_include_a_lower_one_and_itself(self):
        self.write("ntemu/ex/lock.cpp", '#include "ntemu/ex/lock.h"\n#include "ntemu/ke/wait.h"\n#include "ntddk.h"\n')
        self.assertEqual(self.errors(), [])

    def test_a_lower_component_may_not_include_an_upper_one(self):
        self.write("ntemu/ke/wait.cpp", '#include "ntemu/base/log.h"\n#include "ntemu/ex/lock.h"\n')
        self.assertEqual(len(self.errors()), 1)
        self.assertIn("ntemu/ke/wait.cpp:2: ke includes ntemu/ex/lock.h", self.errors()[0])

    def test_a_relative_include_is_resolved(self):
        self.write("ntemu/ke/wait.cpp", '#include "../ex/lock.h"\n')
        self.assertEqual(len(self.errors()), 1)

    def test_components_on_one_level_do_not_include_each_other(self):
        self.write("ntemu/testing/mock.h", '#include "ntemu/explore/seed.h"\n')
        self.assertEqual(len(self.errors()), 1)

    def test_public_headers_include_nothing_of_the_runtime(self):
        self.write("ntemu/include/km/nt/ob.h", '#include "ntemu/base/log.h"\n')
        self.assertEqual(len(self.errors()), 1)

    def test_the_api_tables_reach_upwards(self):
        self.write("ntemu/api/all.def", '#include "ntemu/ke/api.def"\n')
        self.assertEqual(self.errors(), [])

    def test_a_driver_includes_wdk_headers_in_any_case_and_its_own(self):
        self.write("driver/own.h", "")
        self.write("driver/x.c", '#include <Ntddk.h>\n#include "own.h"\n')
        self.assertEqual(self.errors(), [])

    def test_a_driver_includes_nothing_else(self):
        self.write("driver/x.c", "#include <stdio.h>\n#include \"ntemu/base/log.h\"\n")
        self.assertEqual(len(self.errors()), 2)


class LengthsAndPaths(TreeTest):
    def test_600_lines_are_enough(self):
        self.write("ntemu/ke/a.cpp", "f();\n" * 600)
        self.assertEqual(self.errors(), [])
        self.write("ntemu/ke/a.cpp", "f();\n" * 601)
        self.assertEqual(len(self.errors()), 1)

    def test_a_table_of_values_may_be_longer(self):
        self.write("ntemu/include/km/nt/status.h", "#define A 1\n" * 2000)
        self.assertEqual(self.errors(), [])

    def test_the_path_of_one_machine_is_found_in_any_text(self):
        self.write("docs/x.md", "see " + "/".join(["", "home", "jane", "x"]) + "\n")
        self.write("docs/y.md", "see https://example.org/home/me and $HOME/work, ~/work/x and /home/user/x\n")
        self.assertEqual([error.split(":")[0] for error in self.errors()], ["docs/x.md"])


class Hooks(TreeTest):
    def test_an_api_without_a_hook_is_named(self):
        self.write("ntemu/ke/api.def", 'NT_API(KeSetEvent, Full, HIGH_LEVEL, "")\nNT_API(KeFoo, Full, HIGH_LEVEL, "")\nNT_STUB(KeBar, "")\n')
        self.write("ntemu/ke/event.cpp", "NT_FAST(KeSetEvent, set_event, Event);\n")
        self.assertEqual(check_hooks.check(self.root)[1], ["KeFoo"])

    def test_printf_forms_are_hooked_in_their_list_form(self):
        self.write("ntemu/rtl/api.def", 'NT_API(RtlStringCbPrintfW, Full, HIGH_LEVEL, "")\nNT_API(RtlStringCbVPrintfW, Full, HIGH_LEVEL, "")\n')
        self.write("ntemu/rtl/strsafe.cpp", "NT_ENTER(RtlStringCbVPrintfW, Text);\n")
        self.assertEqual(check_hooks.check(self.root)[1], [])


class ApiDocs(TreeTest):
    def setUp(self):
        super().setUp()
        self.write("ntemu/api/all.def", '#include "ntemu/ke/api.def"\n')

    def test_a_row_carries_state_irql_sentence_and_note(self):
        self.write("ntemu/ke/wait_api.def", 'NT_API(KeWait, Full, APC_LEVEL, "")\n')
        self.write("ntemu/ke/api.def", '#include "ntemu/ke/wait_api.def"\n/* NT_API(KeNot, Full, HIGH_LEVEL, "") */\n'
                   'NT_API(KeSetEvent, Partial, DISPATCH_LEVEL,\n       "no boost, " "a | b")\nNT_STUB(KeFoo, "")\nNT_DATA(KiData, "what it is")\n')
        self.write("ntemu/include/km/nt/ke.h", "/* Sets an event, e.g. one of yours. IRQL: any. */\nLONG NTAPI KeSetEvent(PRKEVENT E);\n"
                   "LONG KeNext(VOID);\n\nLONG KeFoo(VOID);\n")
        page = gen_api_docs.page(self.root)
        self.assertIn("| `KeSetEvent` | Partial | dispatch | Sets an event, e.g. one of yours | no boost, a \\| b |", page)
        self.assertIn("| `KeFoo` | Stub |  |  |  |", page)
        self.assertIn("| `KeWait` | Full | apc |", page)
        self.assertIn("| `KiData` | Data |  |  | what it is |", page)
        self.assertIn("1 complete, 1 partial", page)
        self.assertNotIn("KeNot", page)

    def test_the_counts_go_between_their_marks(self):
        self.write("ntemu/ke/api.def", 'NT_API(KeA, Full, APC_LEVEL, "")\nNT_API(KeB, Partial, APC_LEVEL, "b")\nNT_DATA(KiData, "c")\n'
                   'NT_STUB(KeFoo, "ke")\nNT_STUB(SeFoo, "se")\n')
        table = gen_api_docs.counts(self.root)
        self.assertEqual(table.splitlines()[2:], ["| Kernel core | 1 | 1 | 1 |", "| Security | 0 | 0 | 1 |", "| **All** | 1 | 1 | 2 |"])
        page = f"a\n{gen_api_docs.BEGIN}\nold\n{gen_api_docs.END}\nb\n"
        self.assertEqual(gen_api_docs.with_counts(page, table), page.replace("\nold\n", f"\n\n{table}\n\n"))


if __name__ == "__main__":
    unittest.main()
