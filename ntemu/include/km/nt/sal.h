/* Microsoft's source annotations (SAL 2, driver annotations, IRQL annotations): all expand to nothing. */
#ifndef NTEMU_KM_NT_SAL_H
#define NTEMU_KM_NT_SAL_H

#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _Out_
#define _Out_opt_
#define _Inout_
#define _Inout_opt_
#define _Inout_z_
#define _Inout_opt_z_
#define _Outptr_
#define _Outptr_opt_
#define _Outptr_result_maybenull_
#define _Outptr_opt_result_maybenull_
#define _Outptr_result_z_
#define _Outptr_opt_result_z_
#define _Outptr_result_maybenull_z_
#define _Outptr_result_nullonfailure_
#define _Outptr_opt_result_nullonfailure_
#define _COM_Outptr_
#define _COM_Outptr_opt_
#define _Outref_
#define _Outref_result_maybenull_
#define _Outref_result_nullonfailure_
#define _Result_nullonfailure_
#define _Result_zeroonfailure_
#define _Ret_
#define _Ret_z_
#define _Ret_maybenull_
#define _Ret_maybenull_z_
#define _Ret_notnull_
#define _Ret_null_
#define _Ret_valid_
#define _Reserved_
#define _Const_
#define _Null_
#define _Notnull_
#define _Maybenull_
#define _Valid_
#define _Notvalid_
#define _Maybevalid_
#define _Null_terminated_
#define _NullNull_terminated_
#define _Check_return_
#define _Must_inspect_result_
#define _Use_decl_annotations_
#define _Notref_
#define _Points_to_data_
#define _Literal_
#define _Notliteral_
#define _Pre_
#define _Post_
#define _Prepost_
#define _Deref_
#define _Deref2_
#define _Pre_null_
#define _Pre_notnull_
#define _Pre_maybenull_
#define _Pre_valid_
#define _Pre_opt_valid_
#define _Pre_invalid_
#define _Pre_unknown_
#define _Pre_z_
#define _Pre_opt_z_
#define _Pre_defensive_
#define _Pre_writable_
#define _Pre_readonly_
#define _Pre_writeonly_
#define _Pre_notvalid_
#define _Pre_valid_opt_
#define _Post_valid_
#define _Post_invalid_
#define _Post_ptr_invalid_
#define _Post_z_
#define _Post_null_
#define _Post_notnull_
#define _Post_maybenull_
#define _Post_defensive_
#define _Post_maybez_
#define _Deref_out_
#define _Deref_out_opt_
#define _Deref_opt_out_
#define _Deref_opt_out_opt_
#define _Deref_out_z_
#define _Deref_out_opt_z_
#define _Deref_pre_null_
#define _Deref_pre_notnull_
#define _Deref_pre_valid_
#define _Deref_pre_z_
#define _Deref_post_null_
#define _Deref_post_notnull_
#define _Deref_post_valid_
#define _Deref_post_z_
#define _Deref_post_maybenull_
#define _Deref_prepost_z_
#define _Prepost_z_
#define _Inout_updates_opt_z_
#define _On_failure_null_
#define _Printf_format_string_
#define _Scanf_format_string_
#define _Scanf_s_format_string_
#define _Field_z_
#define _Struct_size_bytes_any_
#define _Interlocked_operand_
#define _No_competing_thread_
#define _Has_lock_level_order_
#define _IRQL_inout_
#define _IRQL_uses_cancel_
#define _IRQL_is_cancel_
#define _IRQL_requires_same_
#define _IRQL_saves_
#define _IRQL_restores_
#define _Kernel_float_saved_
#define _Kernel_float_restored_
#define _Kernel_float_used_
#define _Requires_no_locks_held_
#define _No_competing_thread_begin_
#define _No_competing_thread_end_
#define _Raises_SEH_exception_
#define _Maybe_raises_SEH_exception_
#define _Enum_is_bitflag_
#define _Strict_type_match_
#define _Frees_ptr_
#define _Frees_ptr_opt_
#define _Post_writable_
#define _Translates_Win32_to_HRESULT_
#define _Analysis_noreturn_
#define _Benign_race_begin_
#define _Benign_race_end_
#define __drv_aliasesMem
#define __drv_freesMemInternal
#define __drv_arg0
#define __drv_in_deref
#define __drv_out_deref
#define __drv_requiresIRQLSame
#define __drv_sameIRQL
#define __drv_inTry
#define __drv_notInTry
#define __drv_mustHoldCriticalRegion
#define __drv_neverHoldCriticalRegion
#define __drv_acquiresCriticalRegion
#define __drv_releasesCriticalRegion
#define __drv_acquiresCancelSpinLock
#define __drv_releasesCancelSpinLock
#define __drv_mustHoldCancelSpinLock
#define __drv_neverHoldCancelSpinLock
#define __drv_holdsCancelSpinLock
#define __drv_maxFunctionIRQL
#define __drv_strictTypeMatchAny
#define __drv_isObjectPointer
#define __drv_unit_fltMgr
#define __drv_nonConstant
#define __drv_constant
#define __drv_callbackDriver
#define __drv_floatUsed
#define __drv_savesIRQL
#define __drv_restoresIRQL
#define __drv_useCancelIRQL
#define __drv_isCancelIRQL
#define __drv_dispatchType_other
#define __drv_setsIRQLParam
#define __drv_inout
#define __drv_ret
#define __drv_fun
#define __drv_dispatch
#define __drv_mustHoldPagedLock
#define __drv_nullTerminated
#define __drv_when_fun

#define _In_reads_(a)
#define _In_reads_opt_(a)
#define _In_reads_z_(a)
#define _In_reads_opt_z_(a)
#define _In_reads_or_z_(a)
#define _In_reads_or_z_opt_(a)
#define _In_reads_bytes_(a)
#define _In_reads_bytes_opt_(a)
#define _In_reads_to_ptr_(a)
#define _In_reads_to_ptr_opt_(a)
#define _In_reads_to_ptr_z_(a)
#define _Out_writes_(a)
#define _Out_writes_opt_(a)
#define _Out_writes_z_(a)
#define _Out_writes_opt_z_(a)
#define _Out_writes_bytes_(a)
#define _Out_writes_bytes_opt_(a)
#define _Out_writes_all_(a)
#define _Out_writes_all_opt_(a)
#define _Out_writes_bytes_all_(a)
#define _Out_writes_bytes_all_opt_(a)
#define _Out_writes_to_ptr_(a)
#define _Out_writes_maybenull_(a)
#define _Inout_updates_(a)
#define _Inout_updates_opt_(a)
#define _Inout_updates_z_(a)
#define _Inout_updates_bytes_(a)
#define _Inout_updates_bytes_opt_(a)
#define _Inout_updates_all_(a)
#define _Inout_updates_all_opt_(a)
#define _Inout_updates_bytes_all_(a)
#define _Inout_updates_bytes_all_opt_(a)
#define _Outptr_result_buffer_(a)
#define _Outptr_opt_result_buffer_(a)
#define _Outptr_result_bytebuffer_(a)
#define _Outptr_opt_result_bytebuffer_(a)
#define _Outptr_result_buffer_all_(a)
#define _Outptr_result_bytebuffer_all_(a)
#define _Outptr_result_buffer_maybenull_(a)
#define _Outptr_result_bytebuffer_maybenull_(a)
#define _Field_size_(a)
#define _Field_size_opt_(a)
#define _Field_size_bytes_(a)
#define _Field_size_bytes_opt_(a)
#define _Field_size_full_(a)
#define _Field_size_bytes_full_(a)
#define _Field_size_full_opt_(a)
#define _Field_size_bytes_full_opt_(a)
#define _Struct_size_bytes_(a)
#define _Readable_bytes_(a)
#define _Readable_elements_(a)
#define _Writable_bytes_(a)
#define _Writable_elements_(a)
#define _Ret_writes_(a)
#define _Ret_writes_z_(a)
#define _Ret_writes_bytes_(a)
#define _Ret_writes_maybenull_(a)
#define _Ret_writes_bytes_maybenull_(a)
#define _Ret_writes_maybenull_z_(a)
#define _Pre_satisfies_(a)
#define _Post_satisfies_(a)
#define _Satisfies_(a)
#define _Success_(a)
#define _Return_type_success_(a)
#define _On_failure_(a)
#define _Always_(a)
#define _Group_(a)
#define _Pre_readable_size_(a)
#define _Pre_readable_byte_size_(a)
#define _Pre_writable_size_(a)
#define _Pre_writable_byte_size_(a)
#define _Post_readable_size_(a)
#define _Post_readable_byte_size_(a)
#define _Post_writable_size_(a)
#define _Post_writable_byte_size_(a)
#define _Null_terminated_of_(a)
#define _Pre_equal_to_(a)
#define _Post_equal_to_(a)
#define _Notref_of_(a)
#define _Points_to_(a)
#define _Function_class_(a)
#define _Dispatch_type_(a)
#define _Analysis_assume_(a)
#define _Analysis_assume_nullterminated_(a)
#define _Analysis_suppress_lock_checking_(a)
#define _Analysis_assume_lock_held_(a)
#define _Analysis_assume_lock_not_held_(a)
#define _Analysis_assume_lock_acquired_(a)
#define _Analysis_assume_lock_released_(a)
#define _Analysis_assume_same_lock_(a)
#define _Guarded_by_(a)
#define _Write_guarded_by_(a)
#define _Interlocked_(a)
#define _Acquires_lock_(a)
#define _Acquires_nonreentrant_lock_(a)
#define _Acquires_exclusive_lock_(a)
#define _Acquires_shared_lock_(a)
#define _Releases_lock_(a)
#define _Releases_nonreentrant_lock_(a)
#define _Releases_exclusive_lock_(a)
#define _Releases_shared_lock_(a)
#define _Requires_lock_held_(a)
#define _Requires_exclusive_lock_held_(a)
#define _Requires_shared_lock_held_(a)
#define _Requires_lock_not_held_(a)
#define _Lock_level_order_first_(a)
#define _Create_lock_level_(a)
#define _Has_lock_kind_(a)
#define _IRQL_always_function_max_(a)
#define _IRQL_always_function_min_(a)
#define _IRQL_requires_max_(a)
#define _IRQL_requires_min_(a)
#define _IRQL_requires_(a)
#define _IRQL_raises_(a)
#define _IRQL_limited_to_(a)
#define _IRQL_max_(a)
#define _IRQL_min_(a)
#define __analysis_assume(a)
#define __analysis_assert(a)
#define __drv_allocatesMem(a)
#define __drv_freesMem(a)
#define __drv_when_(a)
#define __drv_minIRQL(a)
#define __drv_maxIRQL(a)
#define __drv_requiresIRQL(a)
#define __drv_raisesIRQL(a)
#define __drv_minFunctionIRQL(a)
#define __drv_setsIRQL(a)
#define __drv_functionClass(a)
#define __drv_dispatchType(a)
#define __drv_reportError(a)
#define __drv_acquiresExclusiveResource(a)
#define __drv_releasesExclusiveResource(a)
#define __drv_acquiresResource(a)
#define __drv_releasesResource(a)
#define __drv_mustHold(a)
#define __drv_neverHold(a)
#define __drv_interlocked(a)
#define __drv_valueIs(a)
#define __drv_in(a)
#define __drv_out(a)
#define __drv_clearDoInit(a)
#define __drv_completionType(a)
#define __drv_Mode_impl(a)
#define __drv_innerMustHold(a)
#define __drv_innerNeverHold(a)
#define __drv_innerAcquires(a)
#define __drv_innerReleases(a)
#define _Kernel_clear_do_init_(a)
#define _Kernel_requires_resource_held_(a)
#define _Kernel_requires_resource_not_held_(a)
#define _Kernel_acquires_resource_(a)
#define _Kernel_releases_resource_(a)
#define _Kernel_IoGetDmaAdapter_(a)
#define _Flt_CompletionContext_Outptr_(a)
#define _Flt_ConnectionCookie_Outptr_(a)

#define _When_(a, b)
#define _At_(a, b)
#define _In_range_(a, b)
#define _Out_range_(a, b)
#define _Inout_range_(a, b)
#define _Ret_range_(a, b)
#define _Deref_in_range_(a, b)
#define _Deref_out_range_(a, b)
#define _Deref_ret_range_(a, b)
#define _Field_range_(a, b)
#define _Pre_range_(a, b)
#define _Post_range_(a, b)
#define _Out_writes_to_(a, b)
#define _Out_writes_to_opt_(a, b)
#define _Out_writes_bytes_to_(a, b)
#define _Out_writes_bytes_to_opt_(a, b)
#define _Inout_updates_to_(a, b)
#define _Inout_updates_to_opt_(a, b)
#define _Inout_updates_bytes_to_(a, b)
#define _Inout_updates_bytes_to_opt_(a, b)
#define _Outptr_result_buffer_to_(a, b)
#define _Outptr_opt_result_buffer_to_(a, b)
#define _Outptr_result_bytebuffer_to_(a, b)
#define _Outptr_opt_result_bytebuffer_to_(a, b)
#define _Field_size_part_(a, b)
#define _Field_size_bytes_part_(a, b)
#define _Field_size_part_opt_(a, b)
#define _Field_size_bytes_part_opt_(a, b)
#define _Ret_writes_to_(a, b)
#define _Ret_writes_bytes_to_(a, b)
#define _Ret_writes_to_maybenull_(a, b)
#define _Ret_writes_bytes_to_maybenull_(a, b)
#define _Lock_level_order_(a, b)
#define _IRQL_saves_global_(a, b)
#define _IRQL_restores_global_(a, b)
#define _Post_same_lock_(a, b)
#define __drv_when(a, b)
#define __drv_at(a, b)
#define __drv_strictType(a, b)
#define __drv_preferredFunction(a, b)
#define __drv_arg(a, b)
#define __drv_acquiresExclusiveResourceGlobal(a, b)
#define __drv_releasesExclusiveResourceGlobal(a, b)
#define __drv_acquiresResourceGlobal(a, b)
#define __drv_releasesResourceGlobal(a, b)
#define __drv_mustHoldGlobal(a, b)
#define __drv_neverHoldGlobal(a, b)
#define __drv_savesIRQLGlobal(a, b)
#define __drv_restoresIRQLGlobal(a, b)
#define _Kernel_acquires_resource_global_(a, b)

#define _Analysis_mode_(mode)
#define _SAL_annotation_(...)

/* The older spellings are ordinary identifiers inside the C++ library, so only drivers see them. */
#if defined(NTEMU_DRIVER_BUILD)
#define __in
#define __in_opt
#define __out
#define __out_opt
#define __inout
#define __inout_opt
#define __deref_out
#define __deref_out_opt
#define __deref_opt_out
#define __deref_opt_out_opt
#define __deref_inout
#define __deref_inout_opt
#define __in_z
#define __in_z_opt
#define __reserved
#define __checkReturn
#define __nullterminated
#define __callback
#define __format_string
#define __notnull
#define __maybenull
#define __deref
#define __deref_in
#define __deref_in_opt
#define __in_bcount(a)
#define __in_bcount_opt(a)
#define __in_ecount(a)
#define __in_ecount_opt(a)
#define __in_ecount_z(a)
#define __out_bcount(a)
#define __out_bcount_opt(a)
#define __out_ecount(a)
#define __out_ecount_opt(a)
#define __out_ecount_z(a)
#define __inout_bcount(a)
#define __inout_bcount_opt(a)
#define __inout_ecount(a)
#define __inout_ecount_opt(a)
#define __in_xcount(a)
#define __out_xcount(a)
#define __field_bcount(a)
#define __field_bcount_opt(a)
#define __field_ecount(a)
#define __field_ecount_opt(a)
#define __deref_out_bcount(a)
#define __deref_out_ecount(a)
#define __deref_out_bcount_opt(a)
#define __deref_out_ecount_opt(a)
#define __in_data_source(a)
#define __success(a)
#define __typefix(a)
#define __field_xcount(a)
#define __field_bcount_full(a)
#define __field_ecount_full(a)
#define __struct_bcount(a)
#define __out_bcount_part(a, b)
#define __out_bcount_part_opt(a, b)
#define __out_ecount_part(a, b)
#define __out_ecount_part_opt(a, b)
#define __inout_bcount_part(a, b)
#define __inout_ecount_part(a, b)
#define __in_range(a, b)
#define __out_range(a, b)
#define __field_range(a, b)
#define __field_bcount_part(a, b)
#define __field_ecount_part(a, b)
#define __deref_out_range(a, b)
#define __deref_in_range(a, b)
#endif

#endif
